package pg

import "github.com/jackc/pgx/v5/pgconn"

// Aim is what points a connection at the leader.
func Aim(c *pgconn.Config, address string) error { return aim(c, address) }
