package plane

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// How long the parts that stop together may take before the next ones are stopped all the same.
const stopTimeout = 8 * time.Second

// parts are the running components, each with a context of its own, so that they can be stopped one after the other.
type parts struct {
	// ended gets the name and the reason of every part that ended.
	ended chan *Failure

	mu      sync.Mutex
	stopped bool
	byName  map[string]*part
}

type part struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// context gives the context of a part, also before it runs: what is built for it may start goroutines.
func (p *parts) context(name string) context.Context { return p.get(name).ctx }

func (p *parts) get(name string) *part {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = map[string]*part{}
	}
	if p.byName[name] == nil {
		ctx, cancel := context.WithCancel(context.Background())
		p.byName[name] = &part{ctx: ctx, cancel: cancel}
		if p.stopped {
			cancel()
		}
	}
	return p.byName[name]
}

// run starts a part. A panic of its main goroutine is an end with a reason; those of others end the process.
func (p *parts) run(name string, serve func(context.Context) error) {
	this := p.get(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	this.done = make(chan struct{})
	go func() {
		defer close(this.done)
		err := func() (err error) {
			defer func() {
				if r := recover(); r != nil {
					klog.ErrorS(nil, "A part panicked", "component", name, "panic", r, "stack", string(debug.Stack()))
					err = fmt.Errorf("panic: %v", r)
				}
			}()
			return serve(this.ctx)
		}()
		if err == nil && this.ctx.Err() == nil {
			err = fmt.Errorf("ended by itself")
		}
		if this.ctx.Err() == nil {
			p.ended <- &Failure{name, err}
		}
	}()
}

// stop ends the parts: those that use the API server first, together, then itself.
func (p *parts) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	for _, names := range [][]string{{ControllerManager, Scheduler}, {APIServer}} {
		deadline := time.After(stopTimeout)
		for _, name := range names {
			p.get(name).cancel()
		}
		for _, name := range names {
			begun := time.Now()
			if done := p.get(name).done; done != nil {
				select {
				case <-done:
					klog.InfoS("Stopped", "component", name, "seconds", time.Since(begun).Seconds())
				case <-deadline:
					klog.ErrorS(nil, "Did not stop in time", "component", name, "seconds", stopTimeout.Seconds())
				}
			}
		}
	}
}
