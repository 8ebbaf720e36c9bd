package main

import (
	"context"
	"fmt"
	"math/rand"
	"sync"
	"time"
)

// listed is how many objects of 1 KB a list gives.
const listed = 100

// latency asks as many clients do, each as fast as it is answered, one kind of request after the other.
func latency(ctx context.Context, o *options) error {
	clients, err := o.many(o.clients)
	if err != nil {
		return err
	}
	namespace := fmt.Sprintf("latency-%d-%d", o.clients, time.Now().UnixNano())
	if err := makeObjects(ctx, clients, namespace, max(listed, o.clients)); err != nil {
		return err
	}
	made := namespace + "-made"
	if err := clients[0].must(ctx, "/api/v1/namespaces", namespaceObject(made)); err != nil {
		return err
	}
	// A server that has just been started is not yet what it will be.
	closed(ctx, clients, warmUp, func(c *client, _, _ int) (answer, error) { return c.get(ctx, configMaps(namespace)+"/object-0") })
	begun, cpu := time.Now(), cpuSeconds()
	found := map[string]summary{}
	for _, operation := range []struct {
		name string
		ask  func(c *client, number, count int) (answer, error)
	}{
		{"get", func(c *client, _, _ int) (answer, error) {
			return c.get(ctx, fmt.Sprintf("%s/object-%d", configMaps(namespace), rand.Intn(listed)))
		}},
		{"list", func(c *client, _, _ int) (answer, error) { return c.get(ctx, configMaps(namespace)+"?limit=100") }},
		{"create", func(c *client, number, count int) (answer, error) {
			return c.create(ctx, configMaps(made), configMap(fmt.Sprintf("made-%d-%d", number, count)))
		}},
		{"patch", func(c *client, number, count int) (answer, error) {
			body := fmt.Sprintf(`{"data":{"count":"%d"}}`, count)
			return c.patch(ctx, fmt.Sprintf("%s/object-%d", configMaps(namespace), number), body)
		}},
	} {
		found[operation.name] = closed(ctx, clients, o.duration(), operation.ask)
	}
	if found["watch"], err = watchDelay(ctx, clients, namespace, o.duration()); err != nil {
		return err
	}
	return say(map[string]any{
		"clients":            o.clients,
		"operations":         found,
		"seconds":            time.Since(begun).Seconds(),
		"driver_cpu_seconds": cpuSeconds() - cpu,
	})
}

// closed lets every client ask again as soon as it was answered.
func closed(ctx context.Context, clients []*client, over time.Duration, ask func(*client, int, int) (answer, error)) summary {
	var took times
	var all sync.WaitGroup
	begun := time.Now()
	for number, c := range clients {
		all.Go(func() {
			for count := 0; ctx.Err() == nil && time.Since(begun) < over; count++ {
				sent := time.Now()
				got, err := ask(c, number, count)
				took.judge(time.Since(sent), got, err)
			}
		})
	}
	all.Wait()
	return took.summarize(time.Since(begun))
}

// writes a second while watchers are measured: few enough that no write waits for another.
const watchedRate = 50

// watchDelay has every client watch one object that is written again and again; a time is from sending the write to having the event.
func watchDelay(ctx context.Context, clients []*client, namespace string, over time.Duration) (summary, error) {
	writer := clients[0]
	path := configMaps(namespace) + "/object-0"
	got, err := writer.patch(ctx, path, `{"data":{"sent":"0"}}`)
	if err != nil || !got.fine() {
		return summary{}, fmt.Errorf("the watched object could not be written: %d %w", got.status, err)
	}
	at, err := got.metadata()
	if err != nil {
		return summary{}, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var took times
	var all sync.WaitGroup
	begun := time.Now()
	query := "?watch=1&fieldSelector=metadata.name%3Dobject-0&resourceVersion=" + at.Metadata.ResourceVersion
	for _, c := range clients {
		all.Go(func() {
			err := c.watch(watching, configMaps(namespace)+query, func(e event) bool {
				heard := time.Since(begun)
				object, err := answer{body: e.Object}.metadata()
				var sent time.Duration
				if _, scanned := fmt.Sscan(object.Data["sent"], &sent); err != nil || scanned != nil {
					took.fail("an event that was not understood: " + e.Type)
					return true
				}
				took.add(heard - sent)
				return true
			})
			if watching.Err() == nil {
				took.fail(fmt.Sprint("a watch ended: ", err))
			}
		})
	}
	time.Sleep(200 * time.Millisecond) // every watch is open
	written := 0
	for tick := time.NewTicker(time.Second / watchedRate); ctx.Err() == nil && time.Since(begun) < over; written++ {
		<-tick.C
		body := fmt.Sprintf(`{"data":{"sent":"%d"}}`, time.Since(begun))
		if got, err := writer.patch(ctx, path, body); err != nil || !got.fine() {
			took.fail(fmt.Sprint("a watched write failed: ", got.status, err))
			written--
		}
	}
	time.Sleep(time.Second) // the last events come
	stop()
	all.Wait()
	found := took.summarize(over)
	if missing := written*len(clients) - found.Count; missing > 0 {
		found.Failed += missing
		found.Why = fmt.Sprintf("%d events did not come", missing)
	}
	return found, nil
}
