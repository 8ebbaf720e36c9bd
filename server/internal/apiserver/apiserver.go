// Package apiserver composes kube-apiserver from upstream's options, through Complete and its server chain to Run.
//
// Not through its cobra command: each of those installs a signal handler for the whole process, and the second one panics.
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/sandkube/sandkube/server/internal/fieldmanager"
	"github.com/sandkube/sandkube/server/internal/flags"
)

// How long open connections may hold up a stop: by then only watches are left on them, which resume at the next start by
// their resourceVersion. Other requests are waited for apart from this.
const shutdownTimeout = 100 * time.Millisecond

// Options are kube-apiserver's options, parsed.
type Options struct {
	*options.ServerRunOptions
	args []string
}

// NewOptions gives options that serve on listener and store at etcd.
func NewOptions(args []string, listener net.Listener, etcd string) *Options {
	o := &Options{ServerRunOptions: options.NewServerRunOptions(), args: append([]string{"--etcd-servers=" + etcd}, args...)}
	o.SecureServing.Listener = listener
	return o
}

// Parse reads the arguments.
func (o *Options) Parse() error { return flags.Parse("kube-apiserver", o.Flags(), o.args) }

// Hooks are what a start of the API server tells whoever composes it. Phases are told from the goroutine that starts it.
type Hooks struct {
	// Phase is told the name of each step that is over.
	Phase func(name string)
	// Listening is called once connections are taken, with a client that may do anything.
	Listening func(loopback *rest.Config)
}

// Server is a kube-apiserver that was put together and does not serve yet.
type Server struct {
	run     func(context.Context) error
	generic *genericapiserver.GenericAPIServer
	// drained is closed when the last request was answered.
	drained chan struct{}
}

// New puts the server together. With seeded true the datastore already holds the bootstrapped objects, so that nobody need
// wait for them to be checked.
func New(ctx context.Context, o *Options, seeded bool, hooks Hooks) (*Server, error) {
	completed, err := o.Complete(ctx)
	if err != nil {
		return nil, err
	}
	if errs := completed.Validate(); len(errs) != 0 {
		return nil, utilerrors.NewAggregate(errs)
	}
	if completed.InformerName, err = cache.NewInformerName("kube-apiserver"); err != nil {
		return nil, err
	}
	config, err := app.NewConfig(completed)
	if err != nil {
		return nil, err
	}
	hooks.Phase("api-server configured")
	generic := config.KubeAPIs.ControlPlane.Generic
	fieldmanager.Wrap(generic.LoopbackClientConfig)
	disableSleepers(generic)
	generic.SkipOpenAPIInstallation = true // installOpenAPI does it, later
	completedConfig, err := config.Complete()
	if err != nil {
		return nil, err
	}
	chain, err := app.CreateServerChain(completedConfig)
	if err != nil {
		return nil, err
	}
	hooks.Phase("api-server chain created")
	// All groups are installed. Only a document needs these again, which then has them made again.
	generic.OpenAPIV3Config.Definitions = nil
	server := chain.GenericAPIServer
	server.ShutdownTimeout = shutdownTimeout
	if err := addBootstrap(server, seeded); err != nil {
		return nil, err
	}
	if err := server.AddPostStartHook("sandkube/listening", func(hook genericapiserver.PostStartHookContext) error {
		hooks.Listening(rest.CopyConfig(hook.LoopbackClientConfig))
		return nil
	}); err != nil {
		return nil, err
	}
	kube, ok := server.NextDelegate().(*genericapiserver.GenericAPIServer)
	if !ok {
		return nil, errors.New("the aggregator does not delegate to kube-apiserver")
	}
	installOpenAPI(kube, generic.OpenAPIConfig, generic.OpenAPIV3Config)
	prepared, err := chain.PrepareRun()
	if err != nil {
		return nil, err
	}
	hooks.Phase("api-server prepared")
	this := &Server{run: prepared.Run, generic: server, drained: make(chan struct{})}
	// The first thing that upstream does once nobody is served any more.
	server.RegisterDestroyFunc(func() { close(this.drained) })
	return this, nil
}

// Run serves until ctx ends, and gives back when the last request was answered. Upstream then takes half a second to put away
// one cache after the other, which the end of the process does as well.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-s.drained:
		if ctx.Err() != nil {
			return nil
		}
		return <-ended // it was not asked to stop: only this says why
	}
}

// WaitReady gives back when /readyz holds, asked in this process and not over the network, or when ctx ends.
func (s *Server) WaitReady(ctx context.Context) error {
	// The checks are cheap, and what they depend on (post-start hooks, informers) offers nothing to wait for.
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		if s.ready(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver was not ready: %w", context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

func (s *Server) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil)
	if err != nil {
		return false
	}
	answer := &status{header: http.Header{}}
	// The mux behind authentication: this question comes from inside.
	s.generic.Handler.NonGoRestfulMux.ServeHTTP(answer, request)
	return answer.code == http.StatusOK
}

// status is a response of which only the status matters.
type status struct {
	header http.Header
	code   int
}

func (s *status) Header() http.Header { return s.header }
func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
}
func (s *status) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return len(b), nil
}
