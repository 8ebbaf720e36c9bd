// Package template makes the datastore that new clusters begin as a copy of: it starts a control plane of its own on an empty
// one, waits until its controllers have nothing more to do, stops it and keeps what may be kept.
//
// Everything here lives in a private temporary folder and is gone afterwards: the certificates too, since nothing of them may
// be in a template (package datastore sees to that).
package template

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"

	"github.com/sandkube/sandkube/server/internal/config"
	"github.com/sandkube/sandkube/server/internal/datastore"
	"github.com/sandkube/sandkube/server/internal/logs"
	"github.com/sandkube/sandkube/server/internal/plane"
)

const (
	timeout = 2 * time.Minute
	// The datastore is done when nothing was written to it for this long.
	quiet = 3 * time.Second
)

// Make writes the template to output.
func Make(output string) error {
	output, err := filepath.Abs(output)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sandkube-template-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c, err := configuration(dir, listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return err
	}
	if err := bootstrap(c, listener); err != nil {
		return err
	}
	return datastore.WriteTemplate(c.Datastore.Path, output)
}

func bootstrap(c *config.Config, listener net.Listener) error {
	log := logs.Open(c.Log)
	defer log.Close()
	klog.OsExit = func(int) {
		fmt.Fprintln(os.Stderr, "sandkube-server: making the template:", log.Complaint())
		os.Exit(1)
	}
	lock, err := datastore.Lock(c.Datastore.Path)
	if err != nil {
		return err
	}
	ready := make(chan struct{})
	p, err := plane.New(c, listener, logsapi.LoggingOptions{ErrorStream: log, InfoStream: log}, observer{ready})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	settled := make(chan error, 1)
	go func() {
		settled <- waitQuiet(ctx, ready, c.Datastore.Path)
		cancel()
	}()
	if err := p.Run(ctx, lock); err != nil {
		return err
	}
	return <-settled
}

// waitQuiet waits until the whole is Ready and then until nothing was written for a while.
func waitQuiet(ctx context.Context, ready <-chan struct{}, path string) error {
	select {
	case <-ready:
	case <-ctx.Done():
		return fmt.Errorf("it was not Ready within %s", timeout)
	}
	db, err := datastore.Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	var last int64
	since := time.Now()
	for time.Since(since) < quiet {
		var revision int64
		// Leases are renewed for ever and are not kept.
		if err := db.QueryRowContext(ctx,
			"SELECT MAX(id) FROM kine WHERE name NOT LIKE '/registry/leases/%' AND name NOT LIKE '/registry/masterleases/%'").
			Scan(&revision); err != nil {
			return err
		}
		if revision != last {
			last, since = revision, time.Now()
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("its controllers were still busy after %s", timeout)
		}
	}
	return nil
}

type observer struct{ ready chan struct{} }

func (o observer) Listening(string) {}
func (o observer) Phase(string)     {}
func (o observer) Unwinding()       {}
func (o observer) Ready(component string) {
	if component == "" {
		close(o.ready)
	}
}

func configuration(dir string, port int) (*config.Config, error) {
	files, err := writeCredentials(dir, port)
	if err != nil {
		return nil, err
	}
	return &config.Config{
		Datastore: config.Datastore{
			Path:        filepath.Join(dir, "state.db"),
			Socket:      filepath.Join(dir, "kine.sock"),
			Synchronous: "OFF",
		},
		Log: config.Log{Path: filepath.Join(dir, "server.log"), MaxMegabytes: 100},
		APIServer: []string{
			"--bind-address=127.0.0.1",
			"--endpoint-reconciler-type=none", // no address of this machine gets into the template
			"--advertise-address=127.0.0.1",
			"--authorization-mode=Node,RBAC",
			"--service-cluster-ip-range=10.96.0.0/16",
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + files.serviceAccountKey,
			"--service-account-signing-key-file=" + files.serviceAccountKey,
			"--tls-cert-file=" + files.serving.cert,
			"--tls-private-key-file=" + files.serving.key,
			"--client-ca-file=" + files.ca,
		},
		ControllerManager: []string{
			"--kubeconfig=" + files.controllerManager,
			"--leader-elect=false",
			"--secure-port=0",
			"--use-service-account-credentials=true",
			"--service-account-private-key-file=" + files.serviceAccountKey,
			"--root-ca-file=" + files.ca,
			"--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
			"--kube-api-qps=1000",
			"--kube-api-burst=2000",
		},
		Scheduler: []string{
			"--kubeconfig=" + files.scheduler,
			"--leader-elect=false",
			"--secure-port=0",
		},
	}, nil
}
