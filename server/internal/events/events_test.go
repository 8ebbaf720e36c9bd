package events

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func readAll(t *testing.T, path string) []map[string]any {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []map[string]any
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e map[string]any
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		all = append(all, e)
	}
	return all
}

func TestEventsAreAppendedALineEach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for range 2 { // a second start appends to the story of the first
		r, err := Open(path, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		r.Starting("1.2.3.4", false)
		r.Ready("datastore")
		r.Ready("")
		r.Failed("scheduler", "two\nlines")
	}
	all := readAll(t, path)
	if len(all) != 8 {
		t.Fatalf("%d events, want 8", len(all))
	}
	if all[0]["template"] != false || all[0]["pid"] != float64(os.Getpid()) || all[0]["version"] != "1.2.3.4" {
		t.Errorf("starting: %v", all[0])
	}
	if _, named := all[2]["component"]; named || all[2]["seconds"] == nil {
		t.Errorf("the whole has no component, but seconds: %v", all[2])
	}
	if all[3]["reason"] != "two\nlines" {
		t.Errorf("failed: %v", all[3])
	}
}

func TestHalfALineDoesNotSwallowTheNextEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(path, []byte(`{"time":"2026-`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Starting("1.2.3.4", false)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(data, []byte("\n"))
	if len(lines) != 3 || !json.Valid(lines[1]) || len(lines[2]) != 0 {
		t.Errorf("%q", data)
	}
}

func TestConcurrentEventsDoNotMix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	r, err := Open(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 50 {
				r.Phase("some step")
			}
		})
	}
	wg.Wait()
	if all := readAll(t, path); len(all) != 1000 {
		t.Errorf("%d events, want 1000", len(all))
	}
}

func TestTheFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if _, err := Open(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}
