// Package events tells the outside what happens: one JSON object a line, appended to a file.
//
// A file and not a pipe, because whoever started the server may be gone long before it ends, and a Go process dies of
// SIGPIPE when it writes to a closed standard output.
package events

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// Recorder appends events; it may be used from any goroutine.
type Recorder struct {
	mu    sync.Mutex
	file  *os.File
	since time.Time
}

// Open opens the file for appending; seconds are counted from since. Half a line, which a power cut or a full disk may have
// left, is ended, so that the first event is not lost with it.
func Open(path string, since time.Time) (*Recorder, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the file for events: %w", err)
	}
	last := []byte{'\n'}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		_, _ = file.ReadAt(last, info.Size()-1)
	}
	if last[0] != '\n' {
		_, _ = file.Write([]byte{'\n'})
	}
	return &Recorder{file: file, since: since}, nil
}

type event struct {
	Time      string   `json:"time"`
	Event     string   `json:"event"`
	PID       int      `json:"pid,omitempty"`
	Version   string   `json:"version,omitempty"`
	Template  *bool    `json:"template,omitempty"`
	Component string   `json:"component,omitempty"`
	Name      string   `json:"name,omitempty"`
	Address   string   `json:"address,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Seconds   *float64 `json:"seconds,omitempty"`
}

// Starting says that this process begins, and whether its datastore began as a copy of a template.
func (r *Recorder) Starting(version string, template bool) {
	r.write(event{Event: "starting", PID: os.Getpid(), Version: version, Template: &template})
}

// Listening says that connections are taken.
func (r *Recorder) Listening(address string) {
	r.write(event{Event: "listening", Address: address, Seconds: r.seconds()})
}

// Ready says that a component is ready, or, with an empty name, the whole.
func (r *Recorder) Ready(component string) {
	r.write(event{Event: "ready", Component: component, Seconds: r.seconds()})
}

// Phase says that a step of the start is over; for whoever looks where the time goes.
func (r *Recorder) Phase(name string) {
	r.write(event{Event: "phase", Name: name, Seconds: r.seconds()})
}

// Failed says why the process is about to end.
func (r *Recorder) Failed(component, reason string) {
	r.write(event{Event: "failed", Component: component, Reason: reason, Seconds: r.seconds()})
}

// Stopping says what asked for an orderly stop.
func (r *Recorder) Stopping(reason string) {
	r.write(event{Event: "stopping", Reason: reason, Seconds: r.seconds()})
}

// Stopped is the last event of an orderly stop.
func (r *Recorder) Stopped() {
	r.write(event{Event: "stopped", Seconds: r.seconds()})
}

func (r *Recorder) seconds() *float64 {
	s := float64(time.Since(r.since).Microseconds()) / 1e6
	return &s
}

// write appends one line with a single write, so that a reader never sees half of one that is complete. An event that
// cannot be written (a full disk) is dropped: telling must never end what is told of.
func (r *Recorder) write(e event) {
	e.Time = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	line, err := json.Marshal(e)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.file.Write(append(line, '\n'))
}
