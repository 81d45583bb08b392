package control

import (
	"crypto/tls"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
)

// record is an empty database, and where it is. The server that is made of it is given another address on purpose.
func record(t *testing.T) (s *Server, address string, pool *pgxpool.Pool) {
	t.Helper()
	dsn := testenv.Postgres(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	address, u.Host = u.Host, "127.0.0.1:1"
	if s, err = NewServer(u.String()); err != nil {
		t.Fatal(err)
	}
	return s, address, testenv.Pool(t, dsn)
}

func token(t *testing.T, pool *pgxpool.Pool) (n int64) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT token FROM agrichat.fence").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProbing(t *testing.T) {
	t.Parallel()
	s, address, pool := record(t)
	p, err := s.Probe(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Writable || p.Timeline != 1 || len(p.System) < 15 {
		t.Errorf("the server says %+v", p)
	}
	if _, err := pool.Exec(t.Context(), "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$"); err != nil {
		t.Fatal(err)
	}
	if p, err = s.Probe(t.Context(), address); err != nil || p.Writable {
		t.Errorf("a read-only server says %+v, %v", p, err)
	}
	if _, err := s.Probe(t.Context(), "127.0.0.1:1"); err == nil || fault.Of(err) != fault.Transient {
		t.Errorf("where nobody is: %v", err)
	}
	for _, bad := range []string{"", "here", "here:x"} {
		if _, err := s.Probe(t.Context(), bad); err == nil {
			t.Errorf("%q was taken for an address", bad)
		}
	}
	s.base.ConnConfig.Password = "wrong"
	if _, err := s.Probe(t.Context(), address); fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "check user, password") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestRaising(t *testing.T) {
	t.Parallel()
	s, address, pool := record(t)
	for _, c := range []struct{ raise, seen, stands uint64 }{{7, 7, 7}, {7, 7, 7}, {9, 9, 9}, {8, 9, 9}} {
		seen, err := s.Raise(t.Context(), address, c.raise) // the first one makes the schema
		if err != nil || seen != c.seen || token(t, pool) != int64(c.stands) {
			t.Errorf("raising %d: seen %d, %v; the fence is at %d", c.raise, seen, err, token(t, pool))
		}
	}
}

// The same leader may have a new token while transactions of the old one hang: their writer is frozen, say.
func TestRaisingEndsWritersThatHang(t *testing.T) {
	t.Parallel()
	s, address, pool := record(t)
	if _, err := s.Raise(t.Context(), address, 1); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Rollback(t.Context(), tx)
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock_shared($1)", int64(pg.WriterLock)); err != nil {
		t.Fatal(err)
	}
	reader, err := pool.Begin(t.Context()) // holds another lock, and is left alone
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Rollback(t.Context(), reader)
	if _, err := reader.Exec(t.Context(), "SELECT pg_advisory_xact_lock_shared($1)", int64(pg.WriterLock^1)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if seen, err := s.Raise(t.Context(), address, 2); err != nil || seen != 2 {
		t.Fatalf("seen %d, %v", seen, err)
	}
	if took := time.Since(began); took < lockLimit || took > 4*time.Second {
		t.Errorf("took %s", took)
	}
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("the writer that hung has committed")
	}
	if err := reader.Commit(t.Context()); err != nil {
		t.Errorf("somebody else was ended: %v", err)
	}
}

// A writer that is well gets the time to end.
func TestRaisingWaitsForWritersThatEnd(t *testing.T) {
	t.Parallel()
	s, address, pool := record(t)
	if _, err := s.Raise(t.Context(), address, 1); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Rollback(t.Context(), tx)
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock_shared($1)", int64(pg.WriterLock)); err != nil {
		t.Fatal(err)
	}
	raised := make(chan error, 1)
	go func() {
		_, err := s.Raise(t.Context(), address, 2)
		raised <- err
	}()
	select {
	case err := <-raised:
		t.Errorf("raised beside a writer: %v", err)
	case <-time.After(lockLimit / 4):
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Errorf("the writer was ended: %v", err)
	}
	if err := <-raised; err != nil {
		t.Error(err)
	}
}

func TestOtherAddressesKeepTheRest(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string][]bool{ // whether each way to connect uses TLS
		"disable": {false}, "prefer": {true, false}, "require": {true}, "verify-full": {true},
	} {
		s, err := NewServer("postgres://me:secret@a:1,b:2/db?target_session_attrs=read-write&sslmode=" + mode)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.at("pg3:5433")
		if err != nil {
			t.Fatal(err)
		}
		cc := c.ConnConfig
		ways := []*tls.Config{cc.TLSConfig}
		for _, f := range cc.Fallbacks {
			ways = append(ways, f.TLSConfig)
			if f.Host != "pg3" || f.Port != 5433 {
				t.Errorf("%s: falls back to %s:%d", mode, f.Host, f.Port)
			}
		}
		if cc.Host != "pg3" || cc.Port != 5433 || cc.User != "me" || cc.Password != "secret" || cc.Database != "db" || cc.ValidateConnect != nil {
			t.Errorf("%s: connects to %s:%d as %s", mode, cc.Host, cc.Port, cc.User)
		}
		if len(ways) != len(want) {
			t.Fatalf("%s: %d ways to connect", mode, len(ways))
		}
		for i, w := range ways {
			if (w != nil) != want[i] || w != nil && w.ServerName != "pg3" {
				t.Errorf("%s: way %d is %+v", mode, i, w)
			}
		}
		if s.base.ConnConfig.Host != "a" {
			t.Error("the DSN itself was changed")
		}
	}
}
