package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// filling makes an object of about 1 KB.
var filling = strings.Repeat("x", 900)

func namespaceObject(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
}

func configMap(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q},"data":{"filling":%q}}`, name, filling)
}

func configMaps(namespace string) string { return "/api/v1/namespaces/" + namespace + "/configmaps" }

// fill makes ConfigMaps of 1 KB until there are as many as asked for, numbered, in the namespace `filled`.
func fill(ctx context.Context, o *options) error {
	clients, err := o.many(8)
	if err != nil {
		return err
	}
	if err := makeObjects(ctx, clients, "filled", o.objects); err != nil {
		return err
	}
	return say(map[string]any{"objects": o.objects, "driver_cpu_seconds": cpuSeconds()})
}

func makeObjects(ctx context.Context, clients []*client, namespace string, count int) error {
	if err := clients[0].must(ctx, "/api/v1/namespaces", namespaceObject(namespace)); err != nil {
		return err
	}
	failures := make(chan error, len(clients))
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for n := i; n < count; n += len(clients) {
				if err := c.must(ctx, configMaps(namespace), configMap(fmt.Sprintf("object-%d", n))); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}
