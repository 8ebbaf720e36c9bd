package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// offered asks a server that needs that long for an answer, and says how many connections it saw at once.
func offered(t *testing.T, rate float64, over, takes time.Duration, connections int) (*tally, int64) {
	t.Helper()
	var now, most atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		time.Sleep(takes)
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	clients := make([]*client, connections)
	for i := range clients {
		clients[i] = &client{server: server.URL, http: server.Client()}
	}
	return offer(context.Background(), clients, &loaded{namespace: "n", seed: 1}, rate, over, "x"), most.Load()
}

func TestOfferAsksForAllThatWasDue(t *testing.T) {
	found, _ := offered(t, 200, 500*time.Millisecond, time.Millisecond, 4)
	if got := len(found.took); got != 100 || found.sent.Load() != 100 || found.unsent != 0 || found.failed != 0 {
		t.Errorf("%d answered, %d sent, %d not sent, %d failed: %s", got, found.sent.Load(), found.unsent, found.failed, found.why)
	}
}

// A server with two clients and 50 ms for an answer does 40 a second. At 100 a second the n-th answer is late by what has queued
// before it, though the server itself needed 50 ms for each.
func TestLatenessCountsFromWhenARequestWasDue(t *testing.T) {
	found, most := offered(t, 100, time.Second, 50*time.Millisecond, 2)
	if most > 2 {
		t.Errorf("%d requests at once with two clients", most)
	}
	if got := found.summarize(time.Second); got.Max < 1000 {
		t.Errorf("the last answer is late by %v ms only", got.Max)
	}
	if found.last < 2*time.Second {
		t.Errorf("all was answered after %v", found.last)
	}
}

func TestTheSeedDecidesWhatIsAsked(t *testing.T) {
	asked := make(chan string, 3)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Method + r.URL.String() }))
	t.Cleanup(server.Close)
	c := &client{server: server.URL, http: server.Client()}
	for _, seed := range []uint64{7, 7, 8} {
		at := &loaded{namespace: "n", seed: seed}
		if _, err := at.request(context.Background(), c, 3, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if one, again := <-asked, <-asked; one != again {
		t.Errorf("%s, then %s", one, again)
	}
}
