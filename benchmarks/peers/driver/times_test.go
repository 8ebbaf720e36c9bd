package main

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestSummaryRanksAndBeginsAnew(t *testing.T) {
	var took times
	for n := 100; n >= 1; n-- {
		took.judge(time.Duration(n)*time.Millisecond, answer{status: http.StatusOK}, nil)
	}
	took.judge(0, answer{status: http.StatusTooManyRequests, body: []byte("too many")}, nil)
	took.judge(0, answer{}, errors.New("gone"))
	got := took.summarize(10 * time.Second)
	want := summary{Count: 100, Failed: 2, Why: "too many", PerSecond: 10, P50: 50, P99: 99, Max: 100}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if again := took.summarize(time.Second); again != (summary{}) {
		t.Errorf("what was said is said again: %+v", again)
	}
}

func TestRankOfOne(t *testing.T) {
	if got := rank([]time.Duration{time.Millisecond}, 0.5); got != 1 {
		t.Errorf("got %v", got)
	}
}
