package datastore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func opened(t *testing.T) *sql.DB {
	t.Helper()
	connector, err := newConnector(serving(filepath.Join(t.TempDir(), "state.db"), "OFF"))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("CREATE TABLE numbers (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	return db
}

func count(t *testing.T, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (found int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM numbers").Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAStatementIsKeptAndUsedAgain(t *testing.T) {
	db := opened(t)
	one, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	kept := func() (n int) {
		_ = one.Raw(func(raw any) error { n = len(raw.(*connection).statements); return nil })
		return n
	}
	before := kept()
	for range 3 {
		count(t, one)
	}
	if n := kept() - before; n != 1 {
		t.Errorf("%d statements for one question", n)
	}
	for i := range 2 * maxStatements {
		if err := one.QueryRowContext(context.Background(), fmt.Sprintf("SELECT %d", i)).Scan(new(int)); err != nil {
			t.Fatal(err)
		}
	}
	if n := kept(); n > maxStatements {
		t.Errorf("%d are kept", n)
	}
}

// Rows of the same question are open twice on one connection.
func TestAStatementInUseIsNotUsedTwice(t *testing.T) {
	db := opened(t)
	for range 3 {
		if _, err := db.Exec("INSERT INTO numbers VALUES (?)", 1); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	outer, err := tx.Query("SELECT n FROM numbers")
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	seen := 0
	for outer.Next() {
		inner, err := tx.Query("SELECT n FROM numbers")
		if err != nil {
			t.Fatal(err)
		}
		for inner.Next() {
			seen++
		}
		if err := errors.Join(inner.Err(), inner.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if seen != 9 || outer.Err() != nil {
		t.Errorf("%d rows, %v", seen, outer.Err())
	}
}

func TestManyWritersWaitForTheirTurn(t *testing.T) {
	db := opened(t)
	var writers sync.WaitGroup
	for i := range 50 {
		writers.Go(func() {
			tx, err := db.Begin()
			if err != nil {
				t.Error(err)
				return
			}
			if _, err = tx.Exec("INSERT INTO numbers VALUES (?)", i); err == nil && i%10 != 0 {
				err = tx.Commit()
			} else {
				err = errors.Join(err, tx.Rollback())
			}
			if err != nil {
				t.Error(err)
			}
			if _, err := db.Exec("INSERT INTO numbers VALUES (?)", i); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if found := count(t, db); found != 45+50 {
		t.Errorf("%d rows", found)
	}
}

func TestWhoIsGoneDoesNotKeepTheTurn(t *testing.T) {
	db := opened(t)
	ctx, gone := context.WithCancel(context.Background())
	if _, err := db.BeginTx(ctx, nil); err != nil {
		t.Fatal(err)
	}
	soon, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	if _, err := db.BeginTx(soon, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two write at once: %v", err)
	}
	gone()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = tx.Rollback()
}
