package main

import (
	"context"
	"fmt"
	"net/http"
)

// releases is how often the chart is upgraded before it is uninstalled.
const releases = 6

// part is an object of the chart.
type part struct{ path, name, body string }

func (w *worker) chart(value string) []part {
	at := "/api/v1/namespaces/" + w.namespace
	meta := `"metadata":{"name":"chart","labels":{"app.kubernetes.io/managed-by":"Helm"}}`
	selector := `{"app":"chart"}`
	return []part{
		{at + "/serviceaccounts", "chart", fmt.Sprintf(`{"apiVersion":"v1","kind":"ServiceAccount",%s}`, meta)},
		{at + "/configmaps", "chart", fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap",%s,"data":{"value":%q}}`, meta, value)},
		{at + "/services", "chart", fmt.Sprintf(
			`{"apiVersion":"v1","kind":"Service",%s,"spec":{"selector":%s,"ports":[{"name":"http","port":80}]}}`, meta, selector)},
		{w.deployments(), "chart", fmt.Sprintf(
			`{"apiVersion":"apps/v1","kind":"Deployment",%s,"spec":{"replicas":1,"selector":{"matchLabels":%s},"template":`+
				`{"metadata":{"labels":%s},"spec":{"serviceAccountName":"chart","containers":[{"name":"web","image":"web:%s"}]}}}}`,
			meta, selector, selector, value)},
	}
}

// apply does what Helm does: it installs a chart by server-side apply and keeps the release in a Secret, upgrades it the next times,
// and in the end uninstalls it.
func (w *worker) apply(ctx context.Context) (answer, error) {
	if w.release >= releases {
		return w.uninstall(ctx)
	}
	value := fmt.Sprintf("%d", w.random.Int63())
	for _, one := range w.chart(value) {
		got, err := w.client.apply(ctx, one.path+"/"+one.name, one.body)
		if err != nil || !got.fine() {
			return got, err
		}
	}
	w.release++
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{"name":%q,`+
		`"labels":{"owner":"helm","name":"chart"}},"stringData":{"release":%q}}`, w.releaseName(w.release), filling+filling+filling)
	return w.client.create(ctx, w.secrets(), body)
}

// uninstall leaves nothing behind but what the garbage collector has to take away. Events are deleted too: the API server keeps each
// for an hour, and the database of an hour's soak would show the growth of their number and nothing else.
func (w *worker) uninstall(ctx context.Context) (answer, error) {
	for _, one := range w.chart("") {
		if got, err := gone(w.client.remove(ctx, one.path+"/"+one.name)); err != nil || !got.fine() {
			return got, err
		}
	}
	w.release = 0
	if got, err := w.client.remove(ctx, w.events()); err != nil || !got.fine() {
		return got, err
	}
	return w.client.remove(ctx, w.secrets()+"?labelSelector=owner%3Dhelm")
}

// gone takes an object that is not there for one that was deleted: an earlier attempt may have come that far.
func gone(got answer, err error) (answer, error) {
	if got.status == http.StatusNotFound {
		got.status = http.StatusOK
	}
	return got, err
}

func (w *worker) releaseName(number int) string {
	return fmt.Sprintf("sh.helm.release.v1.chart.v%d", number)
}

func (w *worker) secrets() string { return "/api/v1/namespaces/" + w.namespace + "/secrets" }

func (w *worker) events() string { return "/api/v1/namespaces/" + w.namespace + "/events" }

func (w *worker) event(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Event","metadata":{"name":%q},"reason":"Soaked","message":"something occurred",`+
		`"type":"Normal","count":1,"involvedObject":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","namespace":%q}}`,
		name, w.namespace)
}

// occur sends an event again, as clients do that count (the API server forgets an event after an hour).
func (w *worker) occur(ctx context.Context) (answer, error) {
	got, err := w.client.patch(ctx, w.events()+"/soak", fmt.Sprintf(`{"count":%d}`, w.random.Int31()))
	if err == nil && got.status == http.StatusNotFound {
		return w.client.create(ctx, w.events(), w.event("soak"))
	}
	return got, err
}
