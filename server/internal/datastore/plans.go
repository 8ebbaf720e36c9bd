package datastore

import (
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// keepPlans has SQLite plan a question once for all values that it is asked with.
//
// As the driver builds it, SQLite looks at the values that a prepared statement is given, and prepares it anew with others in
// case they call for another plan. kine's questions have one good plan each. The switch for it is a call for each connection
// (SQLITE_DBCONFIG_ENABLE_QPSG, https://sqlite.org/c3ref/c_dbconfig_defensive.html) that the driver has no name for; SQLite
// itself calls what is registered here for every connection that is opened.
var keepPlans = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	defer tls.Close()
	if code := sqlitelib.Xsqlite3_auto_extension(tls, pointer(&planOnce)); code != sqlitelib.SQLITE_OK {
		return fmt.Errorf("setting SQLite up: %s", sqlite.ErrorCodeString[int(code)])
	}
	return nil
})

// planOnce has the signature of an extension's entry: where it is called from, the connection, its message and its functions.
var planOnce = func(tls *libc.TLS, connection, _, _ uintptr) int32 {
	given := libc.NewVaList(int32(1), uintptr(0))
	if given == 0 {
		return sqlitelib.SQLITE_NOMEM
	}
	defer libc.Xfree(tls, given)
	return sqlitelib.Xsqlite3_db_config(tls, connection, sqlitelib.SQLITE_DBCONFIG_ENABLE_QPSG, given)
}

// pointer gives a function as translated C code holds one: by the word that the variable consists of.
func pointer(f *func(*libc.TLS, uintptr, uintptr, uintptr) int32) uintptr {
	return *(*uintptr)(unsafe.Pointer(f))
}
