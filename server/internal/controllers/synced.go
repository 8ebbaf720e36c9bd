package controllers

import (
	"context"
	"runtime"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// Upstream keeps its controllers to itself: nothing public says that one of them has filled its caches, and a fresh namespace
// is not served before it has. What each of them does say, always and at once, is a log record. So the logger that they are
// given is upstream's with an ear: it passes every record on and notes from where "Caches are synced" was said.
//
// The record itself does not name the controller, its caller does. If upstream renames a function, Ready never comes, and
// every test of a start says so.

const syncedMessage = "Caches are synced"

// syncWatch closes done when every place was heard.
type syncWatch struct {
	done chan struct{}

	mu      sync.Mutex
	missing map[string]bool
}

func newSyncWatch(places []string) *syncWatch {
	w := &syncWatch{done: make(chan struct{}), missing: map[string]bool{}}
	for _, place := range places {
		w.missing[place] = true
	}
	if len(w.missing) == 0 {
		close(w.done)
	}
	return w
}

// into gives a context whose logger is heard.
func (w *syncWatch) into(ctx context.Context) context.Context {
	// One frame of ours stands between the caller and upstream's sink.
	sink := klog.FromContext(ctx).WithCallDepth(1).GetSink()
	return klog.NewContext(ctx, logr.New(ear{LogSink: sink, watch: w}))
}

func (w *syncWatch) heard(place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.missing[place] {
		return
	}
	delete(w.missing, place)
	if len(w.missing) == 0 {
		close(w.done)
	}
}

type ear struct {
	logr.LogSink
	watch *syncWatch
}

// Init is left out: the sink inside was initialised by the logger it was taken from.
func (e ear) Init(logr.RuntimeInfo) {}

func (e ear) Info(level int, message string, keysAndValues ...any) {
	if message == syncedMessage {
		for _, place := range callers() {
			e.watch.heard(place)
		}
	}
	e.LogSink.Info(level, message, keysAndValues...)
}

func (e ear) WithValues(keysAndValues ...any) logr.LogSink {
	return ear{LogSink: e.LogSink.WithValues(keysAndValues...), watch: e.watch}
}

func (e ear) WithName(name string) logr.LogSink {
	return ear{LogSink: e.LogSink.WithName(name), watch: e.watch}
}

func (e ear) WithCallDepth(depth int) logr.LogSink {
	if inner, ok := e.LogSink.(logr.CallDepthLogSink); ok {
		return ear{LogSink: inner.WithCallDepth(depth), watch: e.watch}
	}
	return e
}

// callers gives the functions around the one that logged, nearest first; the one that waited is among the nearest.
func callers() []string {
	var counters [12]uintptr
	n := runtime.Callers(3, counters[:])
	frames := runtime.CallersFrames(counters[:n])
	functions := make([]string, 0, n)
	for {
		frame, more := frames.Next()
		functions = append(functions, frame.Function)
		if !more {
			return functions
		}
	}
}
