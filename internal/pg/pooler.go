package pg

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/agrichat/agrichat/internal/fault"
)

// A pooler between this program and the server, such as PgBouncer, gives each transaction whatever connection is free. Prepared statements,
// settings and advisory locks of a session, which this program needs, do not outlive a transaction then.

// poolerStartup reports whether a connection was refused as PgBouncer does: it takes no settings at the start.
func poolerStartup(e *pgconn.PgError) bool {
	return strings.Contains(e.Message, "unsupported startup parameter") || strings.Contains(strings.ToLower(e.Message), "pgbouncer")
}

// poolerPrepared reports whether a connection does not have the statements that were prepared on it, or has those of another.
func poolerPrepared(e *pgconn.PgError) bool {
	return (e.Code == "42P05" || e.Code == "26000") && strings.Contains(e.Message, "stmtcache_")
}

// refusePooler makes what only a pooler answers a fatal error that says so; any other stays.
func refusePooler(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) || !poolerStartup(e) && !poolerPrepared(e) {
		return err
	}
	return fault.AsFatal(fmt.Errorf("%w; a pooler such as PgBouncer answers at this address, through which sessions do not work: "+
		"let postgres.dsn name PostgreSQL itself (with Patroni: the members, port 5432)", err))
}
