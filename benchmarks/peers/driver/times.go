package main

import (
	"slices"
	"sync"
	"time"
)

// times collects how long each request took, and how many failed.
type times struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
	why    string
}

func (t *times) add(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, took)
}

func (t *times) fail(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed++
	if t.why == "" {
		t.why = why
	}
}

// judge adds a request's time if it was answered well, and a failure otherwise.
func (t *times) judge(took time.Duration, got answer, err error) {
	switch {
	case err != nil:
		t.fail(err.Error())
	case !got.fine():
		t.fail(string(got.body))
	default:
		t.add(took)
	}
}

// summary is what the report says of them; times in milliseconds.
type summary struct {
	Count     int     `json:"count"`
	Failed    int     `json:"failed"`
	Why       string  `json:"why,omitempty"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
}

// summarize says what was collected over that long, and begins anew.
func (t *times) summarize(over time.Duration) summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := summary{Count: len(t.took), Failed: t.failed, Why: t.why}
	if len(t.took) > 0 {
		slices.Sort(t.took)
		found.PerSecond = float64(len(t.took)) / over.Seconds()
		found.P50, found.P99, found.Max = rank(t.took, 0.50), rank(t.took, 0.99), rank(t.took, 1)
	}
	t.took, t.failed, t.why = nil, 0, ""
	return found
}

// rank gives the smallest of the sorted times that is not below that share of them, in milliseconds.
func rank(sorted []time.Duration, share float64) float64 {
	index := int(share*float64(len(sorted))+0.9999999) - 1
	index = min(max(index, 0), len(sorted)-1)
	return float64(sorted[index]) / float64(time.Millisecond)
}
