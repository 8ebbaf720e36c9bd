package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"
)

// entry is a line of the history. Kinds: write and read (asked and answered), watch (opened at a revision), event, closed and lost
// (of a watch), final (what there is in the end) and end (the revision of that list, or with a client the last that its watch has
// seen). Times are nanoseconds since the history was begun; a write with status 0 was not answered. After is the revision that a
// write was to follow, To the one that a lost watch went on from.
type entry struct {
	Kind     string `json:"kind"`
	Client   int    `json:"client"`
	Verb     string `json:"verb,omitempty"`
	Key      string `json:"key,omitempty"`
	Revision string `json:"revision,omitempty"`
	After    string `json:"after,omitempty"`
	To       string `json:"to,omitempty"`
	UID      string `json:"uid,omitempty"`
	Value    string `json:"value,omitempty"`
	Status   int    `json:"status,omitempty"`
	Sent     int64  `json:"sent,omitempty"`
	Answered int64  `json:"answered,omitempty"`
}

// history writes entries to a file, or nowhere.
type history struct {
	begun  time.Time
	mu     sync.Mutex
	file   io.Closer
	buffer *bufio.Writer
	lines  *json.Encoder
}

func newHistory(path string) (*history, error) {
	if path == "" {
		return &history{begun: time.Now()}, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	buffer := bufio.NewWriter(file)
	return &history{begun: time.Now(), file: file, buffer: buffer, lines: json.NewEncoder(buffer)}, nil
}

func (h *history) add(e entry) {
	if h.lines == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	// A disk that is full shows when the file is read: its last line is then cut, and the check says so.
	_ = h.lines.Encode(e)
}

// now is the time in entries.
func (h *history) now() int64 { return int64(time.Since(h.begun)) }

func (h *history) close() {
	if h.lines == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.buffer.Flush()
	_ = h.file.Close()
}
