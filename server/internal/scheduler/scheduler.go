// Package scheduler composes kube-scheduler from upstream's options.
package scheduler

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/sandkube/sandkube/server/internal/flags"
)

// Options are kube-scheduler's options.
type Options struct {
	*options.Options
	args []string
}

// NewOptions gives options for args.
func NewOptions(args []string) *Options { return &Options{Options: options.NewOptions(), args: args} }

// Parse reads the arguments.
func (o *Options) Parse() error { return flags.Parse("kube-scheduler", *o.Flags, o.args) }

// Run schedules until ctx ends; synced is called once the caches have synced.
func Run(ctx context.Context, o *Options, synced func()) error {
	name, err := cache.NewInformerName("kube-scheduler")
	if err != nil {
		return err
	}
	o.InformerName = name
	config, scheduler, err := app.Setup(ctx, o.Options)
	if err != nil {
		return err
	}
	go func() {
		if scheduler.WaitForHandlersSync(ctx) == nil {
			synced()
		}
	}()
	err = app.Run(ctx, config, scheduler)
	if ctx.Err() != nil {
		// Upstream ends every run without leader election with an error; this one was asked for.
		return nil
	}
	return fmt.Errorf("kube-scheduler ended by itself: %w", errors.Join(err))
}
