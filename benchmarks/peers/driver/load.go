package main

import (
	"context"
	"fmt"
	"math/rand"
	"net/http"
	"sync"
	"time"
)

// load asks at a fixed rate, whether or not earlier requests were answered. A time is from the moment at which a request was due,
// so that a server that falls behind cannot hide it by slowing its clients down.
func load(ctx context.Context, o *options) error {
	clients, err := o.many(o.clients)
	if err != nil {
		return err
	}
	namespace := fmt.Sprintf("load-%d", time.Now().UnixNano())
	if err := makeObjects(ctx, clients, namespace, listed); err != nil {
		return err
	}
	cpu := cpuSeconds()
	var took times
	var all sync.WaitGroup
	total := int(o.rate * o.seconds)
	begun := time.Now()
	// Twice the time to answer what was asked; what is then left was not held.
	ending, stop := context.WithTimeout(ctx, 2*o.duration())
	defer stop()
	for number, c := range clients {
		all.Go(func() {
			random := rand.New(rand.NewSource(o.seed + int64(number)))
			for n := number; n < total && ending.Err() == nil; n += len(clients) {
				due := begun.Add(time.Duration(float64(n) / o.rate * float64(time.Second)))
				time.Sleep(time.Until(due))
				got, err := request(ending, c, random, namespace, fmt.Sprintf("made-%d", n))
				took.judge(time.Since(due), got, err)
			}
		})
	}
	all.Wait()
	over := time.Since(begun)
	found := took.summarize(over)
	return say(map[string]any{
		"rate": o.rate, "asked": total, "clients": o.clients, "requests": found, "seconds": over.Seconds(),
		"driver_cpu_seconds": cpuSeconds() - cpu,
	})
}

// request draws one: 50 % get, 5 % list of 100, 20 % patch, 25 % create, of objects of 1 KB.
func request(ctx context.Context, c *client, random *rand.Rand, namespace, fresh string) (answer, error) {
	path := fmt.Sprintf("%s/object-%d", configMaps(namespace), random.Intn(listed))
	switch drawn := random.Intn(100); {
	case drawn < 50:
		return c.get(ctx, path)
	case drawn < 55:
		return c.get(ctx, configMaps(namespace)+"?limit=100&resourceVersion=0")
	case drawn < 75:
		got, err := c.patch(ctx, path, fmt.Sprintf(`{"data":{"count":"%d"}}`, random.Int()))
		if got.status == http.StatusConflict { // the server tried five times against others: an answer, and no fault
			got.status = http.StatusOK
		}
		return got, err
	default:
		return c.create(ctx, configMaps(namespace), configMap(fresh))
	}
}
