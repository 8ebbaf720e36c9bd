package datastore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/generic"
	"github.com/k3s-io/kine/pkg/logstructured"
	"github.com/k3s-io/kine/pkg/logstructured/sqllog"
	"github.com/k3s-io/kine/pkg/query"
	kineserver "github.com/k3s-io/kine/pkg/server"
	"k8s.io/klog/v2"

	"github.com/sandkube/sandkube/server/internal/config"
)

// Opening a connection and preparing its statements takes as long as forty answers, so those of a load are kept; but each
// holds a page cache, so they are closed when they were not needed for a time.
const (
	maxIdleConnections = 64
	maxIdleTime        = 10 * time.Second
)

// openBackend gives kine's backend for SQLite, on connections of ours; both end with the context.
func openBackend(ctx context.Context, running *sync.WaitGroup, c config.Datastore) (kineserver.Backend, error) {
	opened, err := openDialect(ctx, running, c)
	if err != nil {
		return nil, err
	}
	return backendOn(opened, running), nil
}

func backendOn(d kineserver.Dialect, running *sync.WaitGroup) kineserver.Backend {
	return acknowledged{logstructured.New(sqllog.New(dialect{d}, running, kineSettings()))}
}

// openDialect gives kine's dialect of SQLite, on connections and tables of ours.
//
// kine's package drivers/sqlite would open connections of the driver's own, and make six indexes where two are asked, see
// schema.
func openDialect(ctx context.Context, running *sync.WaitGroup, c config.Datastore) (kineserver.Dialect, error) {
	connector, err := newConnector(serving(c.Path, c.Synchronous))
	if err != nil {
		return nil, err
	}
	pool := generic.ConnectionPoolConfig{MaxIdle: maxIdleConnections, MaxIdleTime: maxIdleTime}
	opened, err := generic.OpenDB(ctx, running, "sqlite", connector, pool, "?", false, nil)
	if err != nil {
		return nil, err
	}
	running.Go(func() {
		<-ctx.Done()
		drained(opened.DB)
	})
	opened.LastInsertID = true
	opened.CompactSQL = query.New(compaction, "?", false, "Compact")
	opened.PostCompactSQL = query.New("PRAGMA wal_checkpoint(FULL)", "?", false, "PostCompact")
	opened.GetSizeSQL = query.New(size, "?", false, "GetSize")
	opened.TranslateErr = translated
	opened.ErrCode = code
	return opened, arrange(ctx, opened.DB)
}

// drained waits until a closed pool has no connection any more: a query that runs still has one.
func drained(db *sql.DB) {
	for deadline := time.Now().Add(5 * time.Second); db.Stats().OpenConnections > 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

func kineSettings() *drivers.Config {
	return &drivers.Config{
		// The API server asks for compaction itself, as it does of etcd; kine's own timer would make those requests no-ops.
		CompactInterval:  0,
		CompactMinRetain: 0,
		CompactTimeout:   5 * time.Second,
		CompactBatchSize: 1000,
		PollBatchSize:    500,
		// Only the fallback: writes of this process notify the watchers at once.
		PollInterval: time.Second,
	}
}

// dialect is kine's, but its transactions never end the process and note what became of a write.
//
// kine v0.17.5 exits where a compaction cannot be committed, as on a full disk or after more than its five seconds on a slow
// one, and where it cannot be rolled back, as after SQLite did that by itself. Neither loses anything: what was to be
// compacted is compacted the next time.
type dialect struct{ kineserver.Dialect }

// BeginTx implements kineserver.Dialect.
func (d dialect) BeginTx(ctx context.Context, options *sql.TxOptions) (kineserver.Transaction, error) {
	tx, err := d.Dialect.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	return &transaction{Transaction: tx, written: writtenBy(ctx)}, nil
}

type transaction struct {
	kineserver.Transaction
	written *written
	row     int64
}

// Insert implements kineserver.Transaction.
func (t *transaction) Insert(
	ctx context.Context, key string, created, deleted bool, previous, lease int64, value []byte,
) (row int64, err error) {
	t.row, err = t.Transaction.Insert(ctx, key, created, deleted, previous, lease, value)
	return t.row, err
}

// Commit implements kineserver.Transaction.
func (t *transaction) Commit() error {
	if err := t.Transaction.Commit(); err != nil {
		return err
	}
	t.written.committed(t.row)
	return nil
}

// notCommitted is what leads from MustCommit, which gives back no error, to who asked for the compaction.
type notCommitted struct{ error }

// MustCommit panics with notCommitted. Only Compact calls it, below acknowledged.Compact.
func (t *transaction) MustCommit() {
	if err := t.Commit(); err != nil {
		panic(notCommitted{err})
	}
}

// MustRollback tells of a failure. SQLite has left a transaction by itself when it ran out of space in it.
func (t *transaction) MustRollback() {
	if err := t.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		klog.InfoS("A transaction of the datastore was not rolled back, it was over", "err", err)
	}
}

// Compact turns a compaction that could not be committed into an error.
func (b acknowledged) Compact(ctx context.Context, revision int64) (now int64, err error) {
	defer func() {
		switch failed := recover().(type) {
		case nil:
		case notCommitted:
			now, err = 0, fmt.Errorf("the compaction up to revision %d was not committed: %w", revision, failed.error)
			klog.ErrorS(failed.error, "The datastore was not compacted; the next compaction does it", "revision", revision)
		default:
			panic(failed)
		}
	}()
	return b.Backend.Compact(ctx, revision)
}
