package datastore

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	kineserver "github.com/k3s-io/kine/pkg/server"
)

// fullDisk is SQLite as it is when space runs out at some step of a transaction.
type fullDisk struct {
	kineserver.Dialect
	at string
}

func (d *fullDisk) BeginTx(ctx context.Context, options *sql.TxOptions) (kineserver.Transaction, error) {
	tx, err := d.Dialect.BeginTx(ctx, options)
	return fullDiskTx{tx, d}, err
}

type fullDiskTx struct {
	kineserver.Transaction
	disk *fullDisk
}

var errFull = errors.New("database or disk is full (13)")

// Commit rolls back and says why, as SQLite does.
func (t fullDiskTx) Commit() error {
	if t.disk.at == "commit" {
		return errors.Join(errFull, t.Transaction.Rollback())
	}
	return t.Transaction.Commit()
}

func (t fullDiskTx) SetCompactRevision(ctx context.Context, revision int64) error {
	if t.disk.at == "statement" {
		return errFull
	}
	return t.Transaction.SetCompactRevision(ctx, revision)
}

func (t fullDiskTx) Rollback() error {
	err := t.Transaction.Rollback()
	if t.disk.at == "statement" {
		return errors.Join(err, errors.New("cannot rollback - no transaction is active (1)"))
	}
	return err
}

// kine ends the process here, and this test with it.
func TestACompactionThatFailsEndsNothing(t *testing.T) {
	for at, said := range map[string]string{"commit": "disk is full", "statement": ""} {
		t.Run(at, func(t *testing.T) {
			var running sync.WaitGroup
			ctx, cancel := context.WithCancel(context.Background())
			defer running.Wait()
			defer cancel()
			c := settings(t, filepath.Join(t.TempDir(), "state.db"))
			opened, err := openDialect(ctx, &running, c)
			if err != nil {
				t.Fatal(err)
			}
			disk := &fullDisk{Dialect: opened}
			backend := backendOn(disk, &running)
			if err := backend.Start(ctx); err != nil {
				t.Fatal(err)
			}
			created, err := backend.Create(ctx, "/a", []byte("1"), 0)
			if err != nil {
				t.Fatal(err)
			}
			updated, _, done, err := backend.Update(ctx, "/a", []byte("2"), created, 0)
			if err != nil || !done {
				t.Fatal(done, err)
			}

			disk.at = at
			if _, err := backend.Compact(ctx, updated); said != "" && (err == nil || !strings.Contains(err.Error(), said)) {
				t.Errorf("a compaction that was not committed: %v", err)
			}
			if _, old, err := backend.Get(ctx, "/a", created, false); err != nil || old == nil || string(old.Value) != "1" {
				t.Errorf("what was not compacted is there: %v %v", old, err)
			}

			disk.at = ""
			if _, err := backend.Compact(ctx, updated); err != nil {
				t.Errorf("with space again: %v", err)
			}
			if _, _, err := backend.Get(ctx, "/a", created, false); !errors.Is(err, kineserver.ErrCompacted) {
				t.Errorf("it was compacted: %v", err)
			}
			if _, now, err := backend.Get(ctx, "/a", 0, false); err != nil || string(now.Value) != "2" {
				t.Errorf("the newest stays: %v %v", now, err)
			}
		})
	}
}

func TestAnotherPanicIsNotTakenForACompaction(t *testing.T) {
	defer func() {
		if found := recover(); found != "another" {
			t.Errorf("recovered %v", found)
		}
	}()
	_, _ = acknowledged{panicking{}}.Compact(context.Background(), 1)
}

type panicking struct{ kineserver.Backend }

func (panicking) Compact(context.Context, int64) (int64, error) { panic("another") }
