package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// access is where the API server is, and who asks.
type access struct{ server, ca, cert, key string }

// client is one client with a connection of its own.
type client struct {
	server string
	http   *http.Client
}

func (a *access) client() (*client, error) {
	authority, err := os.ReadFile(a.ca)
	if err != nil {
		return nil, err
	}
	own, err := tls.LoadX509KeyPair(a.cert, a.key)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, // as client-go does
	}
	return &client{server: a.server, http: &http.Client{Transport: transport}}, nil
}

func (a *access) many(n int) ([]*client, error) {
	found := make([]*client, n)
	for i := range found {
		c, err := a.client()
		if err != nil {
			return nil, err
		}
		found[i] = c
	}
	return found, nil
}

// answer is what came back: its status and its body, read to the end.
type answer struct {
	status int
	body   []byte
}

// metadata of an answer's object, the only part of it that is ever decoded.
type metadata struct {
	Metadata struct {
		Name            string `json:"name"`
		Namespace       string `json:"namespace"`
		ResourceVersion string `json:"resourceVersion"`
		UID             string `json:"uid"`
		Continue        string `json:"continue"`
	} `json:"metadata"`
	Data    map[string]string `json:"data"`
	Details struct {
		UID string `json:"uid"`
	} `json:"details"` // of what was deleted
}

func (a answer) metadata() (metadata, error) {
	var found metadata
	err := json.Unmarshal(a.body, &found)
	return found, err
}

func (a answer) fine() bool { return a.status >= 200 && a.status < 300 }

// do sends a request; kind is the type of its body.
func (c *client) do(ctx context.Context, method, path, kind, body string) (answer, error) {
	response, err := c.open(ctx, method, path, kind, body)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, read}, err
}

func (c *client) open(ctx context.Context, method, path, kind, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", kind)
	}
	request.Header.Set("Accept", "application/json")
	return c.http.Do(request)
}

const (
	asJSON  = "application/json"
	asMerge = "application/merge-patch+json"
	asApply = "application/apply-patch+yaml" // of which JSON is a part
)

func (c *client) get(ctx context.Context, path string) (answer, error) {
	return c.do(ctx, http.MethodGet, path, "", "")
}

func (c *client) create(ctx context.Context, path, body string) (answer, error) {
	return c.do(ctx, http.MethodPost, path, asJSON, body)
}

func (c *client) replace(ctx context.Context, path, body string) (answer, error) {
	return c.do(ctx, http.MethodPut, path, asJSON, body)
}

func (c *client) patch(ctx context.Context, path, body string) (answer, error) {
	return c.do(ctx, http.MethodPatch, path, asMerge, body)
}

// apply is server-side apply, by one field manager, which takes what it sets.
func (c *client) apply(ctx context.Context, path, body string) (answer, error) {
	return c.do(ctx, http.MethodPatch, path+"?fieldManager=soak&force=true", asApply, body)
}

func (c *client) remove(ctx context.Context, path string) (answer, error) {
	return c.do(ctx, http.MethodDelete, path, "", "")
}

// must is for what has to succeed before anything is measured.
func (c *client) must(ctx context.Context, path, body string) error {
	got, err := c.create(ctx, path, body)
	if err != nil {
		return err
	}
	if !got.fine() && got.status != http.StatusConflict {
		return fmt.Errorf("%s answered %d: %s", path, got.status, bytes.TrimSpace(got.body))
	}
	return nil
}

// event is one line of a watch.
type event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// watch calls heard for each event until ctx ends, the server closes the stream, or heard says that it has had enough.
func (c *client) watch(ctx context.Context, path string, heard func(event) bool) error {
	response, err := c.open(ctx, http.MethodGet, path, "", "")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the watch of %s was answered with %d", path, response.StatusCode)
	}
	decoder := json.NewDecoder(bufio.NewReaderSize(response.Body, 1<<16))
	for {
		var e event
		if err := decoder.Decode(&e); err != nil {
			return err
		}
		if !heard(e) {
			return nil
		}
	}
}
