package plane

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/sandkube/sandkube/server/internal/apiserver"
	"github.com/sandkube/sandkube/server/internal/controllers"
	"github.com/sandkube/sandkube/server/internal/datastore"
	"github.com/sandkube/sandkube/server/internal/scheduler"
)

// Run serves until ctx ends or a part fails, and stops what runs in order. It gives back nil after an orderly stop and a
// *Failure otherwise. The datastore's lock is given up at the end.
func (p *Plane) Run(ctx context.Context, lock *os.File) error {
	debug.SetGCPercent(gcWhileStarting)
	seeded, err := p.seed()
	if err != nil {
		return &Failure{Datastore, err}
	}
	store, err := datastore.Start(p.config.Datastore, lock)
	if err != nil {
		return &Failure{Datastore, err}
	}
	defer store.Stop()
	// The bootstrapped objects are there in a copy of the template, and in every datastore that was Ready once.
	if !seeded {
		if seeded, err = datastore.Bootstrapped(p.config.Datastore.Path); err != nil {
			return &Failure{Datastore, err}
		}
	}
	p.observer.Ready(Datastore)

	parts := &parts{ended: make(chan *Failure, 3)}
	defer func() {
		p.observer.Unwinding()
		parts.stop()
	}()
	starting, abandon := context.WithCancel(ctx)
	defer abandon()
	started := make(chan *Failure, 1)
	go func() { started <- p.start(starting, parts, seeded) }()
	for {
		select {
		case failure := <-started:
			if failure != nil {
				return unlessStopped(ctx, failure)
			}
			started = nil // and now it serves
			go tend(ctx)
		case failure := <-parts.ended:
			return unlessStopped(ctx, failure)
		case <-ctx.Done():
			return nil
		}
	}
}

// unlessStopped takes a failure that is only the echo of a stop for what it is.
func unlessStopped(ctx context.Context, f *Failure) error {
	if ctx.Err() != nil {
		klog.InfoS("A part ended while stopping", "component", f.Component, "reason", f.Err)
		return nil
	}
	return f
}

// seed makes a new datastore of the template, if there is one, and says whether it did.
func (p *Plane) seed() (bool, error) {
	return datastore.Seed(p.config.Datastore, datastore.Identity{
		Created:      time.Now(),
		ServiceRange: p.apiServer.ServiceClusterIPRanges,
	})
}

// start brings up everything behind the datastore and gives back when the whole is Ready.
func (p *Plane) start(ctx context.Context, parts *parts, seeded bool) *Failure {
	manager, err := controllers.New(parts.context(ControllerManager), p.controllers)
	if err != nil {
		return &Failure{ControllerManager, err}
	}
	loopback := make(chan *rest.Config, 1)
	server, err := apiserver.New(parts.context(APIServer), p.apiServer, seeded, apiserver.Hooks{
		Phase: p.observer.Phase,
		Listening: func(c *rest.Config) {
			p.observer.Listening(p.listener.Addr().String())
			loopback <- c
		},
	})
	if err != nil {
		return &Failure{APIServer, err}
	}
	parts.run(APIServer, server.Run)
	if err := server.WaitReady(ctx); err != nil {
		return &Failure{APIServer, err}
	}
	p.observer.Ready(APIServer)

	parts.run(ControllerManager, manager.Run)
	scheduled := make(chan struct{})
	parts.run(Scheduler, func(ctx context.Context) error {
		return scheduler.Run(ctx, p.scheduler, func() {
			p.observer.Ready(Scheduler)
			close(scheduled)
		})
	})
	if err := await(ctx, manager.Synced()); err != nil {
		return &Failure{ControllerManager, err}
	}
	p.observer.Ready(ControllerManager)
	if err := await(ctx, scheduled); err != nil {
		return &Failure{Scheduler, err}
	}
	if err := p.awaitObjects(ctx, <-loopback); err != nil {
		return &Failure{ControllerManager, err}
	}
	if ctx.Err() == nil { // a stop that was asked for meanwhile has been told already
		p.observer.Ready("")
	}
	return nil
}

func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
