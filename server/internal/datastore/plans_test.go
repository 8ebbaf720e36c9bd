package datastore

import (
	"context"
	"path/filepath"
	"testing"

	"modernc.org/libc"
	sqlitelib "modernc.org/sqlite/lib"
)

// position is what a connection that is opened after keepPlans says of the switch.
var position int32

var switchIs = func(tls *libc.TLS, connection, _, _ uintptr) int32 {
	into := libc.Xcalloc(tls, 1, 4)
	defer libc.Xfree(tls, into)
	given := libc.NewVaList(int32(-1), into)
	defer libc.Xfree(tls, given)
	code := sqlitelib.Xsqlite3_db_config(tls, connection, sqlitelib.SQLITE_DBCONFIG_ENABLE_QPSG, given)
	position = libc.AtomicLoadPInt32(into)
	return code
}

func TestAConnectionKeepsItsPlans(t *testing.T) {
	connector, err := newConnector(serving(filepath.Join(t.TempDir(), "state.db"), "OFF"))
	if err != nil {
		t.Fatal(err)
	}
	tls := libc.NewTLS()
	defer tls.Close()
	if code := sqlitelib.Xsqlite3_auto_extension(tls, pointer(&switchIs)); code != sqlitelib.SQLITE_OK {
		t.Fatal(code)
	}
	defer sqlitelib.Xsqlite3_cancel_auto_extension(tls, pointer(&switchIs))
	opened, err := connector.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if position != 1 {
		t.Errorf("the switch is at %d", position)
	}
}
