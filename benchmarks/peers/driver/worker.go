package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

var operations = []string{
	"get", "list", "create", "update", "contend", "delete", "secret", "lease", "scale", "event", "apply", "watch", "namespace",
}

const (
	deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":0,` +
		`"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},` +
		`"spec":{"containers":[{"name":"web","image":"web"}]}}}}`
	lease = `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"soak"},"spec":{}}`
)

// worker is one client of a soak. revisions holds what it knows of its own ConfigMaps.
type worker struct {
	client    *client
	number    int
	random    *rand.Rand
	namespace string
	took      map[string]*times
	record    *history
	revisions map[string]string
	made      int
	release   int // of the chart; 0: not installed
}

func (w *worker) deployments() string {
	return "/apis/apps/v1/namespaces/" + w.namespace + "/deployments"
}

func (w *worker) leases() string {
	return "/apis/coordination.k8s.io/v1/namespaces/" + w.namespace + "/leases"
}

// run does one thing after the other until working ends, one every pause; what was begun is finished under ctx.
func (w *worker) run(working, ctx context.Context, pause time.Duration) {
	next := time.Now()
	for working.Err() == nil {
		name := w.draw()
		sent := time.Now()
		got, err := w.do(ctx, name)
		w.took[name].judge(time.Since(sent), got, err)
		if next = next.Add(pause); time.Until(next) < -time.Second {
			next = time.Now() // it cannot keep up: no burst afterwards
		}
		select {
		case <-time.After(time.Until(next)):
		case <-working.Done():
		}
	}
}

// draw says what is done next.
func (w *worker) draw() string {
	drawn := w.random.Intn(1000)
	switch {
	case drawn < 350 && len(w.revisions) > 0:
		return "get"
	case drawn < 430:
		return "list"
	case drawn < 630 && len(w.revisions) > 0:
		return "update"
	case drawn < 700:
		return "contend"
	case drawn < 940:
		if drawn < 820 && len(w.revisions) < most || len(w.revisions) == 0 {
			return "create"
		}
		return "delete"
	case drawn < 970:
		return "secret"
	case drawn < 975:
		return "lease"
	case drawn < 982:
		return "scale"
	case drawn < 988:
		return "event"
	case drawn < 993:
		return "apply"
	case drawn < 998:
		return "watch"
	default:
		return "namespace"
	}
}

func (w *worker) do(ctx context.Context, name string) (answer, error) {
	switch name {
	case "get":
		return w.read(ctx, w.one())
	case "list":
		return w.client.get(ctx, configMaps(w.namespace)+"?limit=20")
	case "create":
		w.made++
		return w.write(ctx, http.MethodPost, w.namespace, fmt.Sprintf("object-%d", w.made), "")
	case "update":
		one := w.one()
		return w.write(ctx, http.MethodPut, w.namespace, one, w.revisions[one])
	case "contend":
		return w.contend(ctx)
	case "delete":
		return w.write(ctx, http.MethodDelete, w.namespace, w.one(), "")
	case "secret":
		return w.secret(ctx)
	case "lease":
		body := fmt.Sprintf(`{"spec":{"holderIdentity":"soak-%d"}}`, w.random.Int())
		return w.client.patch(ctx, w.leases()+"/soak", body)
	case "scale":
		return w.client.patch(ctx, w.deployments()+"/web", fmt.Sprintf(`{"spec":{"replicas":%d}}`, w.random.Intn(4)))
	case "event":
		return w.occur(ctx)
	case "apply":
		return w.apply(ctx)
	case "watch":
		return w.client.get(ctx, configMaps(w.namespace)+"?watch=1&timeoutSeconds=1")
	default:
		return w.cycle(ctx)
	}
}

// one draws one of the client's own; sorted, so that the seed alone decides.
func (w *worker) one() string {
	names := make([]string, 0, len(w.revisions))
	for name := range w.revisions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[w.random.Intn(len(names))]
}

// read reads one ConfigMap of its own and records what was found.
func (w *worker) read(ctx context.Context, name string) (answer, error) {
	e := entry{Kind: "read", Client: w.number, Key: w.namespace + "/" + name, Sent: w.record.now()}
	got, err := w.client.get(ctx, configMaps(w.namespace)+"/"+name)
	e.Answered, e.Status = w.record.now(), got.status
	if object, broken := got.metadata(); broken == nil && got.fine() {
		e.Revision, e.Value = object.Metadata.ResourceVersion, object.Data["value"]
	}
	w.record.add(e)
	if got.status == http.StatusNotFound { // an earlier delete was carried out and not answered
		delete(w.revisions, name)
		got.status = http.StatusOK
	}
	return got, err
}

// write changes one ConfigMap and records what was asked and answered.
func (w *worker) write(ctx context.Context, method, namespace, name, revision string) (answer, error) {
	path := configMaps(namespace)
	if method != http.MethodPost {
		path += "/" + name
	}
	body, value := "", ""
	if method != http.MethodDelete {
		value = fmt.Sprintf("%d-%d", w.number, w.random.Int63())
		body = labelled(name, value, revision)
	}
	e := entry{Kind: "write", Client: w.number, Verb: method, Key: namespace + "/" + name, Value: value, After: revision}
	e.Sent = w.record.now()
	got, err := w.client.do(ctx, method, path, asJSON, body)
	e.Answered, e.Status = w.record.now(), got.status
	if object, broken := got.metadata(); broken == nil && got.fine() {
		if method == http.MethodDelete {
			e.UID = object.Details.UID
		} else {
			e.Revision, e.UID = object.Metadata.ResourceVersion, object.Metadata.UID
		}
	}
	w.record.add(e)
	if namespace == w.namespace {
		w.remember(method, name, e)
	}
	return got, err
}

func (w *worker) remember(method, name string, e entry) {
	switch {
	case e.Revision != "":
		w.revisions[name] = e.Revision
	case method == http.MethodDelete && (e.Status == http.StatusOK || e.Status == http.StatusNotFound):
		delete(w.revisions, name)
	case e.Status == http.StatusNotFound || e.Status == http.StatusConflict: // an earlier write was not answered
		delete(w.revisions, name)
	}
}

// contend changes a ConfigMap that all clients change, as of what it just read; a conflict is a right answer.
func (w *worker) contend(ctx context.Context) (answer, error) {
	name := fmt.Sprintf("shared-%d", w.random.Intn(4))
	got, err := w.client.get(ctx, configMaps(shared)+"/"+name)
	if err != nil {
		return got, err
	}
	if got.status == http.StatusNotFound {
		got, err = w.write(ctx, http.MethodPost, shared, name, "")
	} else if object, broken := got.metadata(); broken != nil {
		return got, broken
	} else {
		got, err = w.write(ctx, http.MethodPut, shared, name, object.Metadata.ResourceVersion)
	}
	if got.status == http.StatusConflict {
		got.status = http.StatusOK
	}
	return got, err
}

// secret makes one and deletes it.
func (w *worker) secret(ctx context.Context) (answer, error) {
	w.made++
	name := fmt.Sprintf("secret-%d", w.made)
	path := w.secrets()
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":%q},"stringData":{"a":%q}}`, name, filling)
	if got, err := w.client.create(ctx, path, body); err != nil || !got.fine() {
		return got, err
	}
	return w.client.remove(ctx, path+"/"+name)
}

// cycle makes a namespace with something in it, and deletes it.
func (w *worker) cycle(ctx context.Context) (answer, error) {
	w.made++
	name := fmt.Sprintf("soak-%d-cycle-%d", w.number, w.made)
	if got, err := w.client.create(ctx, "/api/v1/namespaces", namespaceObject(name)); err != nil || !got.fine() {
		return got, err
	}
	if got, err := w.client.create(ctx, configMaps(name), configMap("one")); err != nil || !got.fine() {
		return got, err
	}
	return w.client.remove(ctx, "/api/v1/namespaces/"+name)
}

func labelled(name, value, revision string) string {
	at := ""
	if revision != "" {
		at = fmt.Sprintf(`,"resourceVersion":%q`, revision)
	}
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"labels":{"soak":"yes"}%s},`+
		`"data":{"value":%q,"filling":%q}}`, name, at, value, strings.Repeat("x", 400))
}

type list struct {
	Metadata struct {
		Continue        string `json:"continue"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []metadata `json:"items"`
}

func items(body []byte) (list, error) {
	var found list
	err := json.Unmarshal(body, &found)
	return found, err
}
