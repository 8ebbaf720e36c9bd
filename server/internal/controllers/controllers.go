// Package controllers composes kube-controller-manager from upstream's options.
package controllers

import (
	"context"
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	genericcontrollermanager "k8s.io/controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/config"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"

	"github.com/sandkube/sandkube/server/internal/flags"
)

// Options are kube-controller-manager's options.
type Options struct {
	*options.KubeControllerManagerOptions
	args []string
}

// NewOptions gives options for args.
func NewOptions(args []string) (*Options, error) {
	o, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return nil, err
	}
	return &Options{KubeControllerManagerOptions: o, args: args}, nil
}

// Parse reads the arguments.
func (o *Options) Parse() error {
	return flags.Parse("kube-controller-manager",
		o.Flags(app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()), o.args)
}

// Enabled says whether the controller of that name (package names) is to run. The user may have called it by a name of before.
func (o *Options) Enabled(name string) bool {
	aliases := app.ControllerAliases()
	var chosen []string
	for _, controller := range o.Generic.Controllers {
		alias, off := strings.CutPrefix(controller, "-")
		if current, known := aliases[alias]; known {
			if controller = current; off {
				controller = "-" + current
			}
		}
		chosen = append(chosen, controller)
	}
	return genericcontrollermanager.IsControllerEnabled(name, sets.NewString(app.ControllersDisabledByDefault()...), chosen)
}

// awaited are the controllers without which a namespace is not usable the moment it was made, and where upstream's code of
// each waits for its caches.
var awaited = map[string]string{
	names.ServiceAccountController:             "k8s.io/kubernetes/pkg/controller/serviceaccount.(*ServiceAccountsController).Run",
	names.RootCACertificatePublisherController: "k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher.(*Publisher).Run",
	names.GarbageCollectorController:           "k8s.io/kubernetes/pkg/controller/garbagecollector.(*GarbageCollector).Run",
	names.ResourceQuotaController:              "k8s.io/kubernetes/pkg/controller/resourcequota.(*Controller).Run",
	names.NamespaceController:                  "k8s.io/kubernetes/pkg/controller/namespace.(*NamespaceController).Run",
}

// Manager is a kube-controller-manager that does not run yet.
type Manager struct {
	config *config.Config
	synced *syncWatch
}

// New configures the controllers; nothing is asked of the API server yet.
func New(ctx context.Context, o *Options) (*Manager, error) {
	c, err := o.Config(ctx, app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases())
	if err != nil {
		return nil, err
	}
	var places []string
	for name, place := range awaited {
		if o.Enabled(name) {
			places = append(places, place)
		}
	}
	return &Manager{config: c, synced: newSyncWatch(places)}, nil
}

// Synced is closed when the caches of the controllers that matter to Ready have synced.
func (m *Manager) Synced() <-chan struct{} { return m.synced.done }

// Run runs the controllers until ctx ends. The API server should be ready: upstream asks it once a second.
func (m *Manager) Run(ctx context.Context) error {
	if err := app.Run(m.synced.into(ctx), m.config.Complete()); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return errors.New("kube-controller-manager ended by itself")
	}
	return nil
}
