package plane

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestTheAPIServerStopsLast(t *testing.T) {
	p := &parts{ended: make(chan *Failure, 3)}
	var mu sync.Mutex
	var order []string
	for _, name := range []string{APIServer, ControllerManager, Scheduler} {
		p.run(name, func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return nil
		})
	}
	p.stop()
	if len(order) != 3 || order[2] != APIServer {
		t.Errorf("stopped in the order %v", order)
	}
	if len(p.ended) != 0 {
		t.Errorf("a stop was taken for a failure: %v", <-p.ended)
	}
}

func TestAnEndNobodyAskedForIsAFailure(t *testing.T) {
	for name, serve := range map[string]func(context.Context) error{
		"an error": func(context.Context) error { return errors.New("broken") },
		"no error": func(context.Context) error { return nil },
		"a panic":  func(context.Context) error { panic("broken") },
	} {
		p := &parts{ended: make(chan *Failure, 3)}
		p.run(Scheduler, serve)
		if f := <-p.ended; f.Component != Scheduler || f.Err == nil {
			t.Errorf("%s: %v", name, f)
		}
		p.stop()
	}
}

func TestNothingStartsAfterTheStop(t *testing.T) {
	p := &parts{ended: make(chan *Failure, 3)}
	p.stop()
	p.run(Scheduler, func(context.Context) error { t.Error("it ran"); return nil })
	if p.context(ControllerManager).Err() == nil {
		t.Error("the context of a part that was never built is not ended")
	}
}

func TestAFailureNamesItsPart(t *testing.T) {
	cause := errors.New("no space left")
	var f *Failure
	if err := error(&Failure{Datastore, cause}); !errors.As(err, &f) || !errors.Is(err, cause) || !slices.Contains([]string{err.Error()}, "datastore: no space left") {
		t.Errorf("%v", err)
	}
}
