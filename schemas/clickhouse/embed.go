// Package clickhouse holds the schema of the analytics store: the tables that hold the facts, and the views that others may rely on.
//
// The migrations are numbered and forward only. Every statement may be run again, and by several programs at once,
// without harm: that is what makes starting safe where no lock can be had. A statement ends with a semicolon at the end
// of its line. The files are plain SQL for a single server; where a cluster is named, internal/ch writes its ON CLUSTER
// over the comment /* ON CLUSTER */ and Replicated over /* Replicated */.
package clickhouse

import "embed"

// FS holds the migrations, named NNNN_what.sql.
//
//go:embed *.sql
var FS embed.FS
