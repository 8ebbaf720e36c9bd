package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	warmUp     = 2 * time.Second
	warmUpRate = 100.0
	// A request that was due so long ago and could not even be sent shows a backlog that no answer will make good.
	hopeless = 5 * time.Second
)

// tally is what came of all requests of a rate.
type tally struct {
	times
	sent   atomic.Int64
	unsent int64         // due, and left: the server was too far behind
	cut    atomic.Int64  // sent, and not answered within the time
	last   time.Duration // from when the first was due until the last was answered
}

// load asks at a fixed rate, whether or not earlier requests were answered (open loop). A time is from the moment at which a request
// was due, so that a server that falls behind cannot hide it by slowing its clients down. Whichever client is free takes the request
// that is due next: there are never more connections than clients. What comes late because every client waits is late all the same.
func load(ctx context.Context, o *options) error {
	clients, err := o.many(o.clients)
	if err != nil {
		return err
	}
	at := &loaded{namespace: fmt.Sprintf("load-%d", time.Now().UnixNano()), seed: uint64(o.seed)}
	if err := makeObjects(ctx, clients, at.namespace, listed); err != nil {
		return err
	}
	// What is made lies elsewhere: a list is of a hundred objects at every rate, and at the end as at the beginning.
	if err := clients[0].must(ctx, "/api/v1/namespaces", namespaceObject(at.made())); err != nil {
		return err
	}
	// A server that has just been started is not yet what it will be; what it then answers does not count.
	offer(ctx, clients, at, warmUpRate, warmUp, "warm")
	cpu, begun := cpuSeconds(), time.Now()
	found := offer(ctx, clients, at, o.rate, o.duration(), "made")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	over := max(found.last, o.duration())
	requests := found.summarize(over)
	return say(map[string]any{
		"rate": o.rate, "asked": int(o.rate * o.seconds), "sent": found.sent.Load(), "unsent": found.unsent,
		"unanswered": found.cut.Load(), "clients": o.clients, "requests": requests, "seconds": over.Seconds(),
		"wall_seconds": time.Since(begun).Seconds(), "driver_cpu_seconds": cpuSeconds() - cpu,
	})
}

// offer asks at a rate for so long. It ends at the latest `hopeless` after that.
func offer(ctx context.Context, clients []*client, at *loaded, rate float64, over time.Duration, name string) *tally {
	found := &tally{}
	total := int64(rate * over.Seconds())
	begun := time.Now()
	ending, stop := context.WithTimeout(ctx, over+hopeless)
	defer stop()
	var next atomic.Int64
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			var last time.Duration
			defer func() { found.answeredUntil(last) }()
			for ending.Err() == nil {
				n := next.Add(1) - 1
				if n >= total {
					return
				}
				due := begun.Add(time.Duration(float64(n) / rate * float64(time.Second)))
				if wait := time.Until(due); wait > 0 {
					time.Sleep(wait)
				} else if wait < -hopeless {
					next.Store(total)
					return
				}
				found.sent.Add(1)
				got, err := at.request(ending, c, uint64(n), fmt.Sprintf("%s-%d", name, n))
				if err != nil && errors.Is(err, context.DeadlineExceeded) {
					found.cut.Add(1)
					continue
				}
				found.judge(time.Since(due), got, err)
				last = time.Since(begun)
			}
		})
	}
	all.Wait()
	found.unsent = total - found.sent.Load()
	return found
}

func (t *tally) answeredUntil(last time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = max(t.last, last)
}

// loaded is what a load is put on; the seed alone decides what the n-th request asks.
type loaded struct {
	namespace string
	seed      uint64
}

func (l *loaded) made() string { return l.namespace + "-made" }

// request asks the n-th: 50 % get, 5 % list of 100, 20 % patch, 25 % create, of objects of 1 KB.
func (l *loaded) request(ctx context.Context, c *client, n uint64, fresh string) (answer, error) {
	random := rand.New(rand.NewPCG(l.seed, n))
	path := fmt.Sprintf("%s/object-%d", configMaps(l.namespace), random.IntN(listed))
	switch drawn := random.IntN(100); {
	case drawn < 50:
		return c.get(ctx, path)
	case drawn < 55:
		return c.get(ctx, configMaps(l.namespace)+"?resourceVersion=0")
	case drawn < 75:
		got, err := c.patch(ctx, path, fmt.Sprintf(`{"data":{"count":"%d"}}`, random.Int()))
		if got.status == http.StatusConflict { // the server tried five times against others: an answer, and no fault
			got.status = http.StatusOK
		}
		return got, err
	default:
		return c.create(ctx, configMaps(l.made()), configMap(fresh))
	}
}
