package datastore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	kineserver "github.com/k3s-io/kine/pkg/server"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// schema is the table that kine's questions are about: a row for each revision of a key, and the row's number is the revision.
//
// Of kine's six indexes these two are used by its questions as they are today. Each of the others would be one more tree that
// every write changes.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS kine (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		name TEXT,
		created INTEGER,
		deleted INTEGER,
		create_revision INTEGER,
		prev_revision INTEGER,
		lease INTEGER,
		value BLOB,
		old_value BLOB
	)`,
	// The newest revision of a key, and of each key in a range.
	`CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name, id)`,
	// A revision has one successor: of two writers who saw the same one, the second fails.
	`CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision)`,
	// What kine itself, and this server up to 0.1, made besides.
	`DROP INDEX IF EXISTS kine_name_index`,
	`DROP INDEX IF EXISTS kine_id_deleted_index`,
	`DROP INDEX IF EXISTS kine_prev_revision_index`,
	`DROP INDEX IF EXISTS kine_id_compact_rev_key_with_prev_revision_index`,
}

// compaction removes what was replaced or deleted by revisions after the first parameter, up to the second; kine gives both
// twice. The row with the compacted revision itself stays, though it names one in the same column.
const compaction = `DELETE FROM kine WHERE id IN (
	SELECT prev_revision FROM kine WHERE id > ? AND id <= ? AND prev_revision != 0 AND name != 'compact_rev_key'
	UNION
	SELECT id FROM kine WHERE id > ? AND id <= ? AND deleted != 0)`

// size is what the database's pages in use take, in bytes.
const size = `SELECT (pages.page_count - free.freelist_count) * page.page_size
	FROM pragma_page_count AS pages, pragma_freelist_count AS free, pragma_page_size AS page`

// arrange makes of any earlier database, or of none, one as schema says.
func arrange(ctx context.Context, db *sql.DB) error {
	for _, statement := range schema {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("arranging the tables of the database: %w", err)
		}
	}
	return nil
}

// translated gives kine's error for a key that exists.
func translated(err error) error {
	var failed *sqlite.Error
	if errors.As(err, &failed) && failed.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE {
		return kineserver.ErrKeyExists
	}
	return err
}

// code is SQLite's name of an error, for kine's metrics.
func code(err error) string {
	if err == nil {
		return ""
	}
	var failed *sqlite.Error
	if errors.As(err, &failed) {
		return sqlite.ErrorCodeString[failed.Code()]
	}
	return err.Error()
}
