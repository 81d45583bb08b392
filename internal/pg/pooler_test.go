package pg

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/agrichat/agrichat/internal/fault"
)

// refuse answers every connection with an error, as a pooler does that knows a startup parameter not.
func refuse(t *testing.T, answer *pgproto3.ErrorResponse) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := pgproto3.NewBackend(c, c)
			if _, err := b.ReceiveStartupMessage(); err == nil {
				b.Send(answer)
				err = b.Flush()
				_ = err // the client says what came
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// A pooler is refused at once and by name, for nothing works through it.
func TestOpen_Pooler(t *testing.T) {
	t.Parallel()
	at := refuse(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: search_path"})
	_, err := Open(t.Context(), Config{DSN: "postgres://x:y@" + at + "/z?sslmode=disable", Name: "test"})
	if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "PgBouncer") || !strings.Contains(err.Error(), "postgres.dsn") {
		t.Errorf("%v", err)
	}
}

func TestClassify_Pooler(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"42P05", "26000"} {
		err := Classify(&pgconn.PgError{Code: code, Message: `prepared statement "stmtcache_1" already exists`})
		if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "PgBouncer") {
			t.Errorf("%s: %v", code, err)
		}
	}
	other := errors.New("odd")
	if err := refusePooler(other); err != other {
		t.Errorf("%v", err)
	}
}
