package datastore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// connector opens connections to a SQLite file for kine that differ from the driver's own in two ways.
//
// A statement is prepared once for a connection and not once for a use: kine's questions are long, and parsing one takes
// several times as long as answering it. And writers queue here: SQLite has one writer at a time, and whoever finds it busy
// sleeps for a time that grows and asks again, so that with many at once most of the time is slept away and the unlucky wait
// for seconds.
type connector struct {
	driver.Connector
	writer chan struct{} // holds a token while nobody writes
}

func newConnector(dsn string) (*connector, error) {
	if err := keepPlans(); err != nil {
		return nil, err
	}
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	c := &connector{Connector: inner, writer: make(chan struct{}, 1)}
	c.writer <- struct{}{}
	return c, nil
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	able, is := inner.(sqliteConnection)
	if !is {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T is not what it was", inner), inner.Close())
	}
	return &connection{sqliteConnection: able, writer: c.writer, statements: map[string]*statement{}}, nil
}

// sqliteConnection is what a connection of the driver can do and database/sql makes use of.
type sqliteConnection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// preparedStatement is what a prepared statement of the driver can do.
type preparedStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// maxStatements is what one connection keeps prepared. kine has about twenty questions; those with a limit have it in their text.
const maxStatements = 32

// connection is used by one goroutine at a time, as database/sql sees to.
type connection struct {
	sqliteConnection
	writer     chan struct{}
	writing    bool // in a transaction
	statements map[string]*statement
}

// statement is a prepared one. While rows of it are open it cannot be used again.
type statement struct {
	preparedStatement
	open bool
}

// prepared gives the statement of a query, or nil if it is in use.
func (c *connection) prepared(ctx context.Context, query string) (*statement, error) {
	if known := c.statements[query]; known != nil {
		if known.open {
			return nil, nil
		}
		return known, nil
	}
	if len(c.statements) >= maxStatements {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	inner, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	able, is := inner.(preparedStatement)
	if !is {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T is not what it was", inner), inner.Close())
	}
	made := &statement{preparedStatement: able}
	c.statements[query] = made
	return made, nil
}

// forget closes all statements that are not in use.
func (c *connection) forget() error {
	var failed error
	for query, known := range c.statements {
		if !known.open {
			failed = errors.Join(failed, known.Close())
			delete(c.statements, query)
		}
	}
	return failed
}

// Close implements driver.Conn.
func (c *connection) Close() error {
	return errors.Join(c.forget(), c.sqliteConnection.Close())
}

// QueryContext implements driver.QueryerContext.
func (c *connection) QueryContext(ctx context.Context, query string, arguments []driver.NamedValue) (driver.Rows, error) {
	known, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return c.sqliteConnection.QueryContext(ctx, query, arguments)
	}
	rows, err := known.QueryContext(ctx, arguments)
	if err != nil {
		return nil, err
	}
	known.open = true
	return &openRows{Rows: rows, of: known}, nil
}

type openRows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *openRows) Close() error {
	r.of.open = false
	return r.Rows.Close()
}

// ExecContext implements driver.ExecerContext.
func (c *connection) ExecContext(ctx context.Context, query string, arguments []driver.NamedValue) (driver.Result, error) {
	if !c.writing {
		if err := c.take(ctx); err != nil {
			return nil, err
		}
		defer c.give()
	}
	known, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return c.sqliteConnection.ExecContext(ctx, query, arguments)
	}
	return known.ExecContext(ctx, arguments)
}

// BeginTx implements driver.ConnBeginTx.
func (c *connection) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	inner, err := c.sqliteConnection.BeginTx(ctx, options)
	if err != nil {
		c.give()
		return nil, err
	}
	c.writing = true
	return &turn{Tx: inner, of: c}, nil
}

// take waits for the turn to write.
func (c *connection) take(ctx context.Context) error {
	select {
	case <-c.writer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *connection) give() { c.writer <- struct{}{} }

// turn is a transaction, and the turn to write until it is committed or rolled back; database/sql does one of the two, once.
type turn struct {
	driver.Tx
	of *connection
}

// Commit implements driver.Tx.
func (t *turn) Commit() error {
	defer t.end()
	return t.Tx.Commit()
}

// Rollback implements driver.Tx.
func (t *turn) Rollback() error {
	defer t.end()
	return t.Tx.Rollback()
}

func (t *turn) end() {
	t.of.writing = false
	t.of.give()
}
