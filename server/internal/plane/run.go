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

// How long each part may take to stop before the next one is stopped all the same.
const stopTimeout = 8 * time.Second

// The garbage collector runs rarely while the start allocates for good, and often from then on: what a control plane holds
// changes little, and a limit below what it holds would keep a core busy for ever.
const (
	gcWhileStarting = 400
	gcWhenReady     = 50
	gcSettles       = 2 * time.Second
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
	p.observer.Ready(Datastore)

	parts := &parts{ended: make(chan *Failure, 3)}
	defer func() {
		p.observer.Unwinding()
		parts.stop()
	}()
	failure := make(chan *Failure, 1)
	go func() { failure <- p.start(ctx, parts, seeded) }()
	select {
	case f := <-failure:
		if f != nil {
			return unlessStopped(ctx, f)
		}
	case f := <-parts.ended:
		return unlessStopped(ctx, f)
	case <-ctx.Done():
		return nil
	}
	time.AfterFunc(gcSettles, func() {
		debug.SetGCPercent(gcWhenReady)
		debug.FreeOSMemory()
	})
	select {
	case f := <-parts.ended:
		return unlessStopped(ctx, f)
	case <-ctx.Done():
		return nil
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

// seed makes a new datastore of the template, if there is one, and says whether the bootstrapped objects are there already:
// they are in a copy of the template and in every datastore that was Ready once.
func (p *Plane) seed() (bool, error) {
	copied, err := datastore.Seed(p.config.Datastore, datastore.Identity{
		Created:      time.Now(),
		ServiceRange: p.apiServer.ServiceClusterIPRanges,
	})
	if err != nil || copied {
		return copied, err
	}
	return datastore.Bootstrapped(p.config.Datastore.Path)
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
	ready := &readiness{loopback: <-loopback, serviceAccounts: p.controllers.Enabled(serviceAccountController),
		rootCAs: p.controllers.Enabled(rootCAController)}
	for _, awaited := range []<-chan struct{}{manager.Synced(), scheduled} {
		select {
		case <-awaited:
		case <-ctx.Done():
			return &Failure{APIServer, context.Cause(ctx)}
		}
		if awaited == manager.Synced() {
			p.observer.Ready(ControllerManager)
		}
	}
	if err := ready.wait(ctx); err != nil {
		return &Failure{ControllerManager, err}
	}
	p.observer.Ready("")
	return nil
}
