// Package pg opens PostgreSQL, says what its errors mean, and brings its schema up to date. With the packages that keep or
// ask the record it is the only one that speaks to it.
//
// It promises that a server that cannot serve us is refused when it is opened, with a line that says what to do; that, where
// it is told who leads, every new connection goes there; and that a connection on which the server showed that it is going
// away, or must not be written to, is used for nothing else. What is connected to an old leader stays so until whoever knows
// of the change resets the pool; that nothing is written there is up to the gate.
package pg

import (
	"context"
	_ "embed" // for the statement below
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/fault"
)

//go:embed queries/server.sql
var serverSQL string

// minVersion is PostgreSQL 17: older ones lack what the queries use, and nobody has tried them.
const minVersion = 170000

// connectTimeout bounds the try of one host of several; a dead one must not hold up the next.
const connectTimeout = 5 * time.Second

// Config says which server.
type Config struct {
	DSN      string
	MaxConns int32 // 0: pgx decides
	Name     string
	// Leader returns the address, host:port, that every new connection goes to, whatever hosts the DSN names. It may block as
	// long as ctx lets it. An error keeps the connection from being made, and is transient unless marked. Optional.
	Leader func(ctx context.Context) (address string, err error)
}

// Open connects, and refuses a server that is too old or read-only. Errors are classified.
func Open(ctx context.Context, c Config) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		// pgx repeats the DSN with its password masked.
		return nil, fault.AsFatal(fmt.Errorf("reading postgres.dsn: %w; it should look like postgres://user:password@host:5432/database", err))
	}
	if c.MaxConns > 0 {
		pc.MaxConns = c.MaxConns
	}
	if pc.ConnConfig.ConnectTimeout == 0 {
		pc.ConnConfig.ConnectTimeout = connectTimeout
	}
	pc.ConnConfig.RuntimeParams["application_name"] = c.Name
	pc.ConnConfig.RuntimeParams["timezone"] = "UTC"
	// Every statement names its schema. A role called agrichat would otherwise look for the migrations' own table in the
	// schema of that name as soon as it exists.
	pc.ConnConfig.RuntimeParams["search_path"] = "public"
	pc.ConnConfig.OnPgError = stays
	where := place(pc)
	if c.Leader != nil {
		follow(pc, c.Leader)
		where = fmt.Sprintf("PostgreSQL's leader, database %s as %s", pc.ConnConfig.Database, pc.ConnConfig.User)
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, Classify(fmt.Errorf("connecting to %s: %w", where, err))
	}
	if err := checkServer(ctx, pool); err != nil {
		pool.Close()
		return nil, Classify(refusePooler(fmt.Errorf("connecting to %s: %w", where, err)))
	}
	return pool, nil
}

// stays reports whether a connection is good for more after an error that the server sent over it.
func stays(_ *pgconn.PgConn, e *pgconn.PgError) bool {
	switch {
	case strings.EqualFold(e.Severity, "FATAL") || e.SeverityUnlocalized == "FATAL":
		return false
	case e.Code == "25006": // read_only_sql_transaction: no longer the leader, if it ever was
		return false
	case e.Code == "57P01", e.Code == "57P02", e.Code == "57P03": // is shutting down, has crashed, is starting up
		return false
	case strings.HasPrefix(e.Code, "08"): // connection exceptions
		return false
	}
	return true
}

func place(c *pgxpool.Config) string {
	return fmt.Sprintf("PostgreSQL at %s, database %s as %s", net.JoinHostPort(c.ConnConfig.Host,
		fmt.Sprint(c.ConnConfig.Port)), c.ConnConfig.Database, c.ConnConfig.User)
}

func checkServer(ctx context.Context, pool *pgxpool.Pool) error {
	var version int
	var name string
	if err := pool.QueryRow(ctx, serverSQL).Scan(&version, &name); err != nil {
		return err
	}
	if version < minVersion {
		return fault.AsFatal(fmt.Errorf("the server is PostgreSQL %s, which is not supported: upgrade it to 17 or 18", name))
	}
	return nil
}

// Conflict reports whether err says that another transaction was in the way: run the whole transaction again.
func Conflict(err error) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return false
	}
	switch pe.Code {
	case "23505", "40001", "40P01": // unique_violation, serialization_failure, deadlock_detected
		return true
	}
	return false
}

// Duplicate reports whether err says that a key is there already: the work of a transaction that came first, or a key that one
// transaction writes twice.
func Duplicate(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "23505"
}

// Classify marks err with what to do about it; nil stays nil, and a mark that stands already stays.
func Classify(err error) error {
	if err == nil || fault.Of(err) != fault.Transient {
		return err
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		if unreachable(err) {
			return fault.AsTransient(err, fault.RetryAfter(err))
		}
		return err
	}
	switch {
	case pe.Code == "25006": // read_only_sql_transaction: the wrong server, and the right one will be found
		return fault.AsTransient(err, 0)
	case poolerPrepared(pe):
		return refusePooler(err)
	case pe.Code == "28P01", pe.Code == "28000", pe.Code == "3D000", pe.Code == "42501":
		return fault.AsFatal(fmt.Errorf("%w; check user, password, database and rights in postgres.dsn", err))
	case pe.Code == "53100":
		return fault.AsTransient(fmt.Errorf("%w; the server's disk is full: make room, writing goes on by itself", err), 0)
	case outage(pe.Code):
		return fault.AsTransient(err, 0)
	case len(pe.Code) == 5 && (pe.Code[:2] == "22" || pe.Code[:2] == "23" || pe.Code[:2] == "54"):
		return fault.AsPoison(err)
	case pe.Code == "42P01", pe.Code == "42703", pe.Code == "3F000":
		return fault.AsFatal(fmt.Errorf("%w; the schema is not this program's: was the database emptied while it ran?", err))
	}
	return err
}

// outage reports whether a code says that the server is unwell, whatever it was asked for.
func outage(code string) bool {
	for _, class := range []string{"08", "40", "53", "55", "57", "58"} { // connection, rollback, resources, state, operator, system
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// unreachable reports whether an error that no server sent is one of the way to it.
func unreachable(err error) bool {
	var way net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &way) || errors.As(err, &connect) || pgconn.SafeToRetry(err) {
		return true
	}
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded, pgx.ErrTxClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Rollback ends a transaction that did not commit. It has a moment of its own, because ctx may be what ended it.
func Rollback(ctx context.Context, tx pgx.Tx) {
	c, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = tx.Rollback(c) // after Commit this says ErrTxClosed; a dead connection has rolled back by itself
}
