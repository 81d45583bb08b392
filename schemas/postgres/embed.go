// Package postgres holds the migrations of PostgreSQL: numbered, forward only, in the order in which they are applied.
package postgres

import "embed"

// Migrations are the files NNNN_name.sql.
//
//go:embed *.sql
var Migrations embed.FS
