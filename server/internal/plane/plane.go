// Package plane is the whole: it starts the datastore, the API server, the controllers and the scheduler in the order in which
// they need one another, says when all of it is Ready, and stops it in the reverse order.
//
// The order of a stop matters. With one context for all, the API server is gone while the controller manager still builds its
// controllers, and upstream's answer to that is to end the process, with the datastore open.
package plane

import (
	"net"

	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	metricsfeatures "k8s.io/component-base/metrics/features"

	"github.com/sandkube/sandkube/server/internal/apiserver"
	"github.com/sandkube/sandkube/server/internal/config"
	"github.com/sandkube/sandkube/server/internal/controllers"
	"github.com/sandkube/sandkube/server/internal/fieldmanager"
	"github.com/sandkube/sandkube/server/internal/flags"
	"github.com/sandkube/sandkube/server/internal/scheduler"
)

// The names of the parts in events.
const (
	Datastore         = "datastore"
	APIServer         = "api-server"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
)

// Observer is told what happens.
type Observer interface {
	Listening(address string)
	Ready(component string)
	Phase(name string)
	// Unwinding says that the parts are about to be stopped, for whatever reason.
	Unwinding()
}

// Failure is the end of a part that nobody asked for.
type Failure struct {
	Component string
	Err       error
}

func (f *Failure) Error() string { return f.Component + ": " + f.Err.Error() }

// Unwrap gives what the part said.
func (f *Failure) Unwrap() error { return f.Err }

// Plane is a control plane with its flags read.
type Plane struct {
	config      *config.Config
	listener    net.Listener
	observer    Observer
	apiServer   *apiserver.Options
	controllers *controllers.Options
	scheduler   *scheduler.Options
}

// New reads the flags of all components; an error of it is one of the configuration.
func New(c *config.Config, listener net.Listener, log logsapi.LoggingOptions, observer Observer) (*Plane, error) {
	if err := flags.CheckShared(map[string][]string{
		"api_server": c.APIServer, "controller_manager": c.ControllerManager, "scheduler": c.Scheduler,
	}); err != nil {
		return nil, err
	}
	fieldmanager.Assume()
	if err := overrideGates(); err != nil {
		return nil, err
	}
	manager, err := controllers.NewOptions(c.ControllerManager)
	if err != nil {
		return nil, err
	}
	p := &Plane{
		config:      c,
		listener:    listener,
		observer:    observer,
		apiServer:   apiserver.NewOptions(c.APIServer, listener, "unix://"+c.Datastore.Socket),
		controllers: manager,
		scheduler:   scheduler.NewOptions(c.Scheduler),
	}
	// The controller manager's first: building its flag set overrides the default of a feature gate, which must happen
	// before another component's set is bound to the same gates.
	for _, component := range []interface{ Parse() error }{p.controllers, p.apiServer, p.scheduler} {
		if err := component.Parse(); err != nil {
			return nil, err
		}
	}
	return p, p.applyProcessWide(&log)
}

// overrideGates changes the defaults of feature gates, before a component's flags are bound to them; the flags still decide.
//
// Native histograms are for a Prometheus that asks for them in protobuf. Each keeps buckets for every power of the values that
// it ever saw, and there are some thousand: 8 MB after half an hour of work, and still growing.
func overrideGates() error {
	return utilfeature.DefaultMutableFeatureGate.OverrideDefault(metricsfeatures.NativeHistograms, false)
}

// applyProcessWide sets what a process has once: feature gates, emulated version, logging.
func (p *Plane) applyProcessWide(log *logsapi.LoggingOptions) error {
	if err := p.apiServer.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	// Each component applies its logging options again when it starts.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	logs.InitLogs()
	return logsapi.ValidateAndApplyWithOptions(p.apiServer.Logs, log, utilfeature.DefaultFeatureGate)
}
