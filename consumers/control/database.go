package control

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/sqlfile"
	schema "github.com/agrichat/agrichat/schemas/postgres"
)

//go:embed queries/*.sql
var queries embed.FS

// Timeouts of the server's statements. A healthy writer ends within the lock's, since its permission has ended; a commit that waits
// for a synchronous standby is cancelled after the fence's, and retried.
const (
	connectLimit = time.Second
	lockLimit    = 500 * time.Millisecond
	fenceLimit   = 5 * time.Second
	alive        = 5 * time.Second
	minVersion   = 170000
)

// Server is the PostgreSQL leader, wherever it is. It implements Database.
type Server struct {
	base *pgxpool.Config
	sql  map[string]string
}

// NewServer takes user, password, database and TLS from a DSN; its hosts do not matter.
func NewServer(dsn string) (*Server, error) {
	base, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// pgx repeats the DSN with its password masked.
		return nil, fault.AsFatal(fmt.Errorf("reading postgres.dsn: %w", err))
	}
	return &Server{base: base, sql: sqlfile.All(queries)}, nil
}

// Probe implements Database. Its errors are classified.
func (s *Server) Probe(ctx context.Context, address string) (Probe, error) {
	conn, err := s.connect(ctx, address)
	if err != nil {
		return Probe{}, err
	}
	defer hangUp(conn)
	var p Probe
	var timeline int64
	var version int
	var name string
	if err := conn.QueryRow(ctx, s.sql["probe"]).Scan(&p.Writable, &p.System, &timeline, &version, &name); err != nil {
		return Probe{}, pg.Classify(fmt.Errorf("asking the server at %s what it is: %w", address, err))
	}
	if version < minVersion {
		return Probe{}, fault.AsFatal(fmt.Errorf("the server at %s is PostgreSQL %s, which is not supported: upgrade it to 17 or 18", address, name))
	}
	p.Timeline = uint32(timeline)
	return p, nil
}

// Raise implements Database. It creates the schema where there is none, since there can be no writer. An existing one
// is left as it is, however old: workers of that version may be running. Roles migrate it when they start, as does
// `agrichat migrate`.
func (s *Server) Raise(ctx context.Context, address string, token uint64) (seen uint64, err error) {
	made, seen, err := s.fence(ctx, address, token)
	if err != nil || made {
		return seen, err
	}
	if err := s.migrate(ctx, address); err != nil {
		return 0, err
	}
	_, seen, err = s.fence(ctx, address, token)
	return seen, err
}

func (s *Server) migrate(ctx context.Context, address string) error {
	c, err := s.at(address)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return pg.Classify(fmt.Errorf("connecting to the server at %s: %w", address, err))
	}
	defer pool.Close()
	return pg.Migrate(ctx, pool, schema.Migrations)
}

// fence raises the token, if there is a schema, and returns the highest one that the database has seen.
func (s *Server) fence(ctx context.Context, address string, token uint64) (made bool, seen uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, fenceLimit)
	defer cancel()
	conn, err := s.connect(ctx, address)
	if err != nil {
		return false, 0, err
	}
	defer hangUp(conn)
	if err := conn.QueryRow(ctx, s.sql["made"]).Scan(&made); err != nil || !made {
		return made, 0, asking(err)
	}
	for {
		seen, err = s.raise(ctx, conn, token)
		if !lockedOut(err) {
			return true, seen, pg.Classify(err)
		}
		var ended int
		if err := conn.QueryRow(ctx, s.sql["end_writers"], int64(pg.WriterLock)).Scan(&ended); err != nil {
			return true, 0, pg.Classify(fmt.Errorf("ending the sessions of writers that hang: %w", err))
		}
	}
}

func (s *Server) raise(ctx context.Context, conn *pgx.Conn, token uint64) (seen uint64, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return 0, fmt.Errorf("beginning to raise the token: %w", err)
	}
	defer pg.Rollback(ctx, tx)
	if _, err := tx.Exec(ctx, s.sql["alone"], int64(pg.WriterLock)); err != nil {
		return 0, fmt.Errorf("waiting for the last writers: %w", err)
	}
	if _, err := tx.Exec(ctx, s.sql["raise"], int64(token)); err != nil {
		return 0, fmt.Errorf("raising the token: %w", err)
	}
	var found int64
	if err := tx.QueryRow(ctx, s.sql["fence"]).Scan(&found); err != nil {
		return 0, fmt.Errorf("reading the token: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("committing the token: %w", err)
	}
	return uint64(found), nil
}

func asking(err error) error {
	if err == nil {
		return nil
	}
	return pg.Classify(fmt.Errorf("looking for the fence: %w", err))
}

// lockedOut reports whether others held on to a lock for longer than the lock's limit.
func lockedOut(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "55P03"
}

func (s *Server) connect(ctx context.Context, address string) (*pgx.Conn, error) {
	c, err := s.at(address)
	if err != nil {
		return nil, err
	}
	c.ConnConfig.RuntimeParams["lock_timeout"] = strconv.FormatInt(lockLimit.Milliseconds(), 10)
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("connecting to the server at %s: %w", address, err))
	}
	return conn, nil
}

// hangUp has a moment of its own, because the caller's may be over.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	_ = conn.Close(ctx)
}

// at is the DSN with its hosts replaced by one address.
func (s *Server) at(address string) (*pgxpool.Config, error) {
	c := s.base.Copy()
	c.MaxConns, c.MinConns = 4, 0
	cc := c.ConnConfig
	if err := pg.Aim(&cc.Config, address); err != nil {
		return nil, err
	}
	cc.ValidateConnect = nil // target_session_attrs would turn an answer into an error
	cc.ConnectTimeout = connectLimit
	// A host that vanished while it brings the schema up to date must not be waited for until the action's end.
	cc.DialFunc = (&net.Dialer{Timeout: connectLimit, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: alive, Interval: alive, Count: 3}}).DialContext
	cc.RuntimeParams["application_name"] = "agrichat control"
	cc.RuntimeParams["timezone"] = "UTC"
	cc.RuntimeParams["search_path"] = "public" // as in internal/pg
	return c, nil
}
