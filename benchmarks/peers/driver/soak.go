package main

import (
	"context"
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	watchers  = 2
	everyLine = 10 * time.Second
	most      = 40 // objects that a client keeps
	shared    = "soak-shared"
	selector  = "labelSelector=soak%3Dyes"
)

// soak is a mix as a busy cluster sees it: clients that make, change, read and delete what is theirs, write over one another where
// it is shared, install and upgrade charts, scale deployments, renew leases, send events, watch for a moment, and cycle namespaces;
// and watches that are resumed. All choices come from the seed. When `asked` ends (TERM, Ctrl-C) the clients stop early, and the rest
// is as always: what was done up to then can be judged.
func soak(asked context.Context, o *options) error {
	ctx := context.WithoutCancel(asked)
	clients, err := o.many(o.clients)
	if err != nil {
		return err
	}
	record, err := newHistory(o.history)
	if err != nil {
		return err
	}
	defer record.close()
	workers, err := prepare(ctx, o, clients, record)
	if err != nil {
		return err
	}
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	watched, err := startWatchers(watching, o, record)
	if err != nil {
		return err
	}
	working, stopWorking := context.WithTimeout(asked, o.duration())
	defer stopWorking()
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { w.run(working, ctx, time.Duration(float64(o.clients)/o.rate*float64(time.Second))) })
	}
	begun, said := time.Now(), make(chan error, 1)
	go func() { said <- report(working, begun, workers[0].took) }()
	all.Wait()
	stopWorking()
	if err := <-said; err != nil {
		return err
	}
	if got, err := workers[0].write(ctx, http.MethodPost, shared, "end", ""); err != nil || !got.fine() {
		return fmt.Errorf("the last write failed: %d %w", got.status, err)
	}
	time.Sleep(5 * time.Second) // the last events come
	stopWatching()
	watched.Wait()
	ending, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	return finish(ending, clients[0], record)
}

func prepare(ctx context.Context, o *options, clients []*client, record *history) ([]*worker, error) {
	took := map[string]*times{}
	for _, name := range operations {
		took[name] = &times{}
	}
	if err := clients[0].must(ctx, "/api/v1/namespaces", namespaceObject(shared)); err != nil {
		return nil, err
	}
	var found []*worker
	for number, c := range clients {
		w := &worker{
			client: c, number: number, random: rand.New(rand.NewSource(o.seed*1000 + int64(number))),
			namespace: fmt.Sprintf("soak-%d", number), took: took, record: record, revisions: map[string]string{},
		}
		if err := c.must(ctx, "/api/v1/namespaces", namespaceObject(w.namespace)); err != nil {
			return nil, err
		}
		if err := c.must(ctx, w.deployments(), deployment); err != nil {
			return nil, err
		}
		if err := c.must(ctx, w.leases(), lease); err != nil {
			return nil, err
		}
		if err := c.must(ctx, w.events(), w.event("soak")); err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	return found, nil
}

// report says every few seconds what was measured since it last did.
func report(ctx context.Context, begun time.Time, took map[string]*times) error {
	tick := time.NewTicker(everyLine)
	defer tick.Stop()
	last := time.Now()
	for {
		ended := false
		select {
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		found := map[string]summary{}
		for name, t := range took {
			if one := t.summarize(time.Since(last)); one.Count+one.Failed > 0 {
				found[name] = one
			}
		}
		last = time.Now()
		line := map[string]any{"seconds": time.Since(begun).Seconds(), "operations": found, "driver_cpu_seconds": cpuSeconds()}
		if err := say(line); err != nil || ended {
			return err
		}
	}
}

// startWatchers opens the watches from now on; each is resumed from its last event where the server closes it.
func startWatchers(ctx context.Context, o *options, record *history) (*sync.WaitGroup, error) {
	all := &sync.WaitGroup{}
	clients, err := o.many(watchers)
	if err != nil {
		return nil, err
	}
	got, err := clients[0].get(ctx, "/api/v1/configmaps?limit=1&"+selector)
	if err != nil {
		return nil, err
	}
	at, err := got.metadata()
	if err != nil {
		return nil, err
	}
	for number, c := range clients {
		all.Go(func() { keepWatching(ctx, c, number, at.Metadata.ResourceVersion, record) })
	}
	return all, nil
}

func keepWatching(ctx context.Context, c *client, number int, from string, record *history) {
	seen := from
	defer func() { record.add(entry{Kind: "end", Client: number, Revision: seen, Verb: "watch"}) }()
	for ctx.Err() == nil {
		record.add(entry{Kind: "watch", Client: number, Revision: from})
		path := "/api/v1/configmaps?watch=1&allowWatchBookmarks=true&" + selector + "&resourceVersion=" + url.QueryEscape(from)
		err := c.watch(ctx, path, func(e event) bool {
			object, err := answer{body: e.Object}.metadata()
			if err != nil || e.Type == "ERROR" { // too old a revision: what lies between is passed over, and the checker is told
				next := present(ctx, c, from)
				record.add(entry{Kind: "lost", Client: number, Revision: from, To: next, Value: string(e.Object)})
				from = next
				return false
			}
			from = object.Metadata.ResourceVersion
			seen = from
			if e.Type != "BOOKMARK" {
				record.add(entry{
					Kind: "event", Client: number, Verb: e.Type, Key: object.Metadata.Namespace + "/" + object.Metadata.Name,
					Revision: from, UID: object.Metadata.UID, Value: object.Data["value"], Answered: record.now(),
				})
			}
			return true
		})
		if ctx.Err() == nil {
			record.add(entry{Kind: "closed", Client: number, Value: fmt.Sprint(err)})
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// present is the revision of now, or from where it is not to be had.
func present(ctx context.Context, c *client, from string) string {
	got, err := c.get(ctx, "/api/v1/configmaps?limit=1&"+selector)
	if object, broken := got.metadata(); err == nil && broken == nil && got.fine() {
		return object.Metadata.ResourceVersion
	}
	return from
}

// finish records what there is in the end.
func finish(ctx context.Context, c *client, record *history) error {
	next, sent := "", record.now()
	for {
		got, err := c.get(ctx, "/api/v1/configmaps?limit=500&"+selector+"&continue="+url.QueryEscape(next))
		if err != nil {
			return err
		}
		if got.status != http.StatusOK {
			return fmt.Errorf("the last list was answered with %d: %s", got.status, got.body)
		}
		list, err := items(got.body)
		if err != nil {
			return err
		}
		for _, object := range list.Items {
			record.add(entry{
				Kind: "final", Key: object.Metadata.Namespace + "/" + object.Metadata.Name,
				Revision: object.Metadata.ResourceVersion, Value: object.Data["value"],
			})
		}
		if next = list.Metadata.Continue; next == "" {
			record.add(entry{Kind: "end", Revision: list.Metadata.ResourceVersion, Sent: sent, Answered: record.now(), Verb: "list"})
			return nil
		}
	}
}
