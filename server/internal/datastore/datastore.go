// Package datastore keeps the cluster's objects: SQLite behind kine, which answers etcd's protocol on a unix socket.
//
// kine's own composition (its package endpoint) links every driver it has: NATS, MySQL, PostgreSQL, S3 and an etcd
// client. What it does for SQLite is to hand a backend to a gRPC server. Its packages drivers/generic, logstructured and server
// offer that as it is, so that the others stay out of the binary without a line of kine being copied; the tables and the
// connections are ours.
package datastore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	kineserver "github.com/k3s-io/kine/pkg/server"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"k8s.io/klog/v2"

	"github.com/sandkube/sandkube/server/internal/config"
)

const (
	// The etcd that the API server should take this for: 3.6 has every call it makes to it.
	emulatedEtcd = "3.6.6"
	// How often a watch without events tells its client the current revision.
	notifyInterval = 5 * time.Second
	// A message may be as large as etcd allows a request to be, and its envelope.
	maxReceive = 2 << 20
)

// Datastore is a running kine.
type Datastore struct {
	path     string
	endpoint string
	lock     *os.File
	grpc     *grpc.Server
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// Endpoint is what --etcd-servers takes.
func (d *Datastore) Endpoint() string { return d.endpoint }

// ErrInUse says that another process serves this datastore.
var ErrInUse = errors.New("another server uses this datastore")

// Lock takes the datastore for this process, for as long as the file stays open. Two servers on one SQLite file would each
// believe to know the newest revision.
func Lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the datastore: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (%s)", ErrInUse, path)
		}
		return nil, fmt.Errorf("locking the datastore: %w", err)
	}
	return file, nil
}

// Start opens the datastore that lock was taken for and serves it; it must be stopped with Stop.
func Start(c config.Datastore, lock *os.File) (*Datastore, error) {
	if err := check(c.Path); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Datastore{path: c.Path, endpoint: "unix://" + c.Socket, lock: lock, cancel: cancel}
	if err := d.serve(ctx, c); err != nil {
		cancel()
		d.running.Wait()
		return nil, err
	}
	return d, nil
}

func (d *Datastore) serve(ctx context.Context, c config.Datastore) error {
	backend, err := openBackend(ctx, &d.running, c)
	if err != nil {
		return fmt.Errorf("opening the datastore: %w", err)
	}
	if err := backend.Start(ctx); err != nil {
		return fmt.Errorf("starting the datastore: %w", err)
	}
	listener, err := listen(c.Socket)
	if err != nil {
		return err
	}
	d.grpc = grpc.NewServer(
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.MaxSendMsgSize(1<<31-1),
		// The API server has a connection for each kind of object, most of them idle.
		grpc.SharedWriteBuffer(true),
		grpc.ReadBufferSize(4<<10),
		// The API server pings an idle connection every half minute. By default that is too often, and cuts it off.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	)
	kineserver.New(backend, "unix", notifyInterval, emulatedEtcd).Register(d.grpc)
	d.running.Go(func() {
		if err := d.grpc.Serve(listener); err != nil {
			klog.ErrorS(err, "The datastore stopped serving")
		}
	})
	return nil
}

// Stop ends serving, closes the database and writes its write-ahead log back into the file.
//
// It comes after the API server, the only client, has stopped. gRPC waits for the handlers of a hundred watches, one after
// the other, that nobody reads any more; the database waits for its queries, and that is the wait that matters.
func (d *Datastore) Stop() {
	go d.grpc.Stop()
	d.cancel()
	d.running.Wait()
	// A statement that kine keeps prepared holds its connection a moment longer, and then closing writes nothing back.
	if err := checkpoint(d.path); err != nil {
		klog.ErrorS(err, "The datastore was closed, but its write-ahead log was not written back; the next start does it")
	}
	_ = d.lock.Close()
}

func listen(socket string) (net.Listener, error) {
	// A socket file outlives a killed server; the lock says that nobody else uses it.
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the old socket of the datastore: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("opening the socket of the datastore: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, fmt.Errorf("closing the socket of the datastore to others: %w", err)
	}
	return listener, nil
}
