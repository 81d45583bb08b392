// Package postgres holds the migrations of the record: numbered, forward only, in the order in which they are applied.
package postgres

import "embed"

// Migrations are the files NNNN_name.sql.
//
//go:embed *.sql
var Migrations embed.FS
