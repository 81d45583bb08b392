package testenv

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/engine"
)

// Replicated returns a PostgreSQL and its asynchronous standby, both running in folders of dir until the test ends.
func Replicated(t testing.TB, dir string) (primary, standby *Server) {
	t.Helper()
	first, second := filepath.Join(dir, "primary"), filepath.Join(dir, "standby")
	p, err := engine.NewPostgres(config(Binaries(t), first))
	if err != nil {
		t.Fatal(err)
	}
	primary = &Server{URL: p.DSN(), server: p}
	primary.Start(t)
	primary.Stop(t)
	if err := CopyTree(first, second); err != nil {
		t.Fatal(err)
	}
	if err := markStandby(filepath.Join(second, "data")); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	c := config(Binaries(t), second)
	c.Settings["primary_conninfo"] = fmt.Sprintf("host=%s port=%s user=agrichat password=%s", at.Hostname(), at.Port(), c.Password)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := engine.NewPostgres(c)
	if err != nil {
		t.Fatal(err)
	}
	standby = &Server{URL: s.DSN(), server: s}
	for _, server := range []*Server{primary, standby} {
		server.Start(t)
		t.Cleanup(func() { server.Stop(t) })
	}
	return primary, standby
}

// markStandby has a server start as a standby on a copy of the data.
func markStandby(data string) error {
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("making a standby: %w", err)
	}
	file := filepath.Join(data, "standby.signal")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return fmt.Errorf("making a standby: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		return os.Lchown(file, int(owner.Uid), int(owner.Gid))
	}
	return nil
}

// Exec runs a statement on a PostgreSQL server, and scans the row that it returns, if a place for it is given.
func (s *Server) Exec(t testing.TB, sql string, into ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }() // nothing is unwritten in it
	if len(into) > 0 {
		err = conn.QueryRow(t.Context(), sql).Scan(into...)
	} else {
		_, err = conn.Exec(t.Context(), sql)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
