package datastore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/sqlite"
	"github.com/k3s-io/kine/pkg/logstructured"
	"github.com/k3s-io/kine/pkg/logstructured/sqllog"
	kineserver "github.com/k3s-io/kine/pkg/server"
	"k8s.io/klog/v2"
)

// openBackend gives kine's backend for SQLite, on a dialect that outlives a compaction which fails.
func openBackend(ctx context.Context, running *sync.WaitGroup, c *drivers.Config) (kineserver.Backend, error) {
	_, dialect, err := sqlite.NewVariant(ctx, running, "sqlite3", c)
	if err != nil {
		return nil, err
	}
	return backendOn(dialect, running, c), nil
}

func backendOn(dialect kineserver.Dialect, running *sync.WaitGroup, c *drivers.Config) kineserver.Backend {
	return acknowledged{logstructured.New(sqllog.New(outliving{dialect}, running, c))}
}

// outliving is a dialect whose transactions never end the process.
//
// kine v0.17.5 exits where a compaction cannot be committed, as on a full disk or after more than its five seconds on a slow
// one, and where it cannot be rolled back, as after SQLite did that by itself. Neither loses anything: what was to be
// compacted is compacted the next time.
type outliving struct{ kineserver.Dialect }

func (d outliving) BeginTx(ctx context.Context, options *sql.TxOptions) (kineserver.Transaction, error) {
	tx, err := d.Dialect.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	return outlivingTx{tx}, nil
}

type outlivingTx struct{ kineserver.Transaction }

// notCommitted is what leads from MustCommit, which gives back no error, to who asked for the compaction.
type notCommitted struct{ error }

// MustCommit panics with notCommitted. Only Compact calls it, below acknowledged.Compact.
func (t outlivingTx) MustCommit() {
	if err := t.Commit(); err != nil {
		panic(notCommitted{err})
	}
}

// MustRollback tells of a failure. SQLite has left a transaction by itself when it ran out of space in it.
func (t outlivingTx) MustRollback() {
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
