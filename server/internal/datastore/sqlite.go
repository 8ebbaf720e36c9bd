package datastore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"k8s.io/klog/v2"
	"modernc.org/sqlite" // the driver that kine uses too
	sqlitelib "modernc.org/sqlite/lib"
)

// serving names the file for whoever serves it: a write-ahead log, and transactions that are writers from their beginning.
func serving(path, synchronous string) string {
	return "file:" + escape(path) + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(30000)&_txlock=immediate" +
		"&_pragma=synchronous(" + synchronous + ")"
}

// escape keeps the characters of a path that would end it inside of a file: URI.
func escape(path string) string {
	u := url.URL{Path: path}
	return u.EscapedPath()
}

// Open opens the file by the driver directly, one connection; kine is not involved.
func Open(path string) (*sql.DB, error) { return open(path, "") }

// openToLook opens the file so that nothing in it changes: closing it writes no write-ahead log back, which may belong to
// another database.
func openToLook(path string) (*sql.DB, error) { return open(path, "&mode=ro") }

func open(path, more string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+escape(path)+"?_pragma=busy_timeout(5000)"+more)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// checkpoint writes the write-ahead log back into the database and empties it.
func checkpoint(path string) error {
	db, err := Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	var busy, pages, written int
	if err := db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &written); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("%d of %d pages were written back, the database is busy", written, pages)
	}
	return nil
}

// check finds a file that is no database, or a damaged one, before kine does: kine tries for five minutes. The whole file is
// read only after a stop that was none, when something is left in its write-ahead log.
func check(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	question := "SELECT COUNT(*) FROM sqlite_schema"
	want := ""
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		question, want = "PRAGMA quick_check(1)", "ok"
	}
	answer, err := ask(openToLook, path, question)
	if failed := new(sqlite.Error); errors.As(err, &failed) && failed.Code() == sqlitelib.SQLITE_READONLY_ROLLBACK {
		// The process was killed in the middle of making the file. What it had begun has to be taken back first, which is
		// written down beside it, and is done by whoever may write.
		answer, err = ask(Open, path, question)
	}
	if want != "" && errors.Is(err, context.DeadlineExceeded) {
		klog.InfoS("The database is too large to be read whole after a crash; it is used as it is", "path", path)
		return nil
	}
	if err != nil {
		return fmt.Errorf("the database %s cannot be used: %w", path, err)
	}
	if want != "" && answer != want {
		return fmt.Errorf("the database %s is damaged: %s", path, answer)
	}
	return nil
}

// ask gives the answer of one column in one row, of a file that is opened for that alone.
func ask(open func(string) (*sql.DB, error), path, question string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := open(path)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var answer string
	err = db.QueryRowContext(ctx, question).Scan(&answer)
	return answer, err
}

// bootstrapKey is among the last objects that bootstrapping makes: who finds it need not wait for the others.
const bootstrapKey = "/registry/priorityclasses/system-node-critical"

// Bootstrapped says whether the datastore at path holds what the API server makes at its first start. Start has checked the file.
func Bootstrapped(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	db, err := Open(path)
	if err != nil {
		return false, err
	}
	defer db.Close()
	var tables, keys int
	if err := db.QueryRow("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'kine'").Scan(&tables); err != nil || tables == 0 {
		return false, err
	}
	err = db.QueryRow("SELECT COUNT(*) FROM kine WHERE name IN (?, '/registry/clusterroles/cluster-admin', "+
		"'/registry/clusterrolebindings/system:kube-scheduler') AND deleted = 0", bootstrapKey).Scan(&keys)
	return keys == 3, err
}
