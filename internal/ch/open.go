// Package ch is how AGriChat speaks ClickHouse: opening, migrating, sorting errors, inserting blocks, and reading states
// back for a comparison. What the rows mean is schemas/clickhouse's and its users' business.
//
// It promises that every error it returns is classed (internal/fault) and never holds a password, that a block is
// inserted as a whole or not at all, and that what it reads is the current state of things (FINAL), in bounded memory.
package ch

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/agrichat/agrichat/internal/fault"
)

// MinVersion is the oldest server whose answers the tests have seen: the analyzer that the views rely on is the default
// there.
const MinVersion = "24.8"

// Config says which server to speak to.
type Config struct {
	// URL is clickhouse://user:password@host:9000/database, or the same with http or https. Several hosts are separated by
	// commas. Unknown parameters are settings of the server.
	URL string
	// Cluster is the name of the cluster whose servers all hold the tables; empty for a single server. insert_quorum=auto
	// among the URL's parameters makes an insert wait until a majority of them has it.
	Cluster string
	// Create lets Open create the database where it is missing.
	Create bool
}

// DB is a pool of connections to one database. Its methods may be called from any goroutine.
type DB struct {
	conn     driver.Conn
	host     string
	database string
	cluster  string
	network  bool // the protocol carries the types of an insert's columns itself
	version  string
}

// Open connects, and checks that the server is one we can work with.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	opt, err := options(cfg.URL)
	if err != nil {
		return nil, err
	}
	db, err := open(ctx, opt, cfg.Cluster)
	if !cfg.Create || !isUnknownDatabase(err) {
		return db, err
	}
	if err := createDatabase(ctx, opt, cfg.Cluster); err != nil {
		return nil, err
	}
	return open(ctx, opt, cfg.Cluster)
}

// The waits: a dial goes over a network that may be far, a read over a statement that may have much to do.
const (
	dialTimeout = 10 * time.Second
	readTimeout = 5 * time.Minute
	// maxConns is above what the aggregator's goroutines and the pages ask for together.
	maxConns = 16
)

func options(url string) (*clickhouse.Options, error) {
	opt, err := clickhouse.ParseDSN(url)
	if err != nil {
		return nil, fault.AsFatal(fmt.Errorf("reading the ClickHouse address: %w", err))
	}
	if opt.Auth.Database == "" {
		opt.Auth.Database = "default"
	}
	if opt.DialTimeout == 0 {
		opt.DialTimeout = dialTimeout
	}
	if opt.ReadTimeout == 0 {
		opt.ReadTimeout = readTimeout
	}
	if opt.MaxOpenConns == 0 {
		opt.MaxOpenConns = maxConns
	}
	if opt.MaxIdleConns == 0 {
		opt.MaxIdleConns = opt.MaxOpenConns
	}
	return opt, nil
}

func open(ctx context.Context, opt *clickhouse.Options, cluster string) (*DB, error) {
	conn, err := clickhouse.Open(opt)
	if err != nil {
		return nil, fault.AsFatal(fmt.Errorf("opening ClickHouse: %w", err))
	}
	db := &DB{
		conn: conn, host: strings.Join(opt.Addr, ","), database: opt.Auth.Database, cluster: cluster,
		network: opt.Protocol == clickhouse.Native,
	}
	if err := db.checkVersion(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return db, nil
}

//go:embed queries/version.sql
var versionSQL string

func (db *DB) checkVersion(ctx context.Context) error {
	rows, err := db.Query(ctx, versionSQL, nil)
	if err != nil {
		return fmt.Errorf("connecting to ClickHouse at %s: %w", db.host, db.explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&db.version); err != nil {
			return fmt.Errorf("reading the version of ClickHouse at %s: %w", db.host, Classify(err))
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the version of ClickHouse at %s: %w", db.host, Classify(err))
	}
	if !supported(db.version) {
		return fault.AsFatal(fmt.Errorf("ClickHouse at %s is version %s: upgrade it to %s or newer", db.host, db.version, MinVersion))
	}
	return nil
}

// supported compares the first two numbers of a version.
func supported(version string) bool {
	var major, minor, leastMajor, leastMinor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(MinVersion, "%d.%d", &leastMajor, &leastMinor); err != nil {
		return false
	}
	return major > leastMajor || major == leastMajor && minor >= leastMinor
}

//go:embed queries/create_database.sql
var createDatabaseSQL string

// createDatabase is asked of the database "default", which every server has.
func createDatabase(ctx context.Context, opt *clickhouse.Options, cluster string) error {
	other := *opt
	other.Auth.Database = "default"
	db, err := open(ctx, &other, cluster)
	if err != nil {
		return err
	}
	sql := onCluster(createDatabaseSQL, cluster)
	err = db.Exec(ctx, strings.ReplaceAll(sql, "{database}", quoteName(opt.Auth.Database)))
	if err != nil {
		err = fmt.Errorf("creating the database %s on ClickHouse at %s: %w", opt.Auth.Database, db.host, err)
	}
	return errors.Join(err, db.Close())
}

// quoteName writes a name as SQL: a statement that creates something takes no parameter for it.
func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}

// Close ends all connections. No statement may be running.
func (db *DB) Close() error {
	if err := db.conn.Close(); err != nil {
		return fmt.Errorf("closing ClickHouse: %w", err)
	}
	return nil
}

// Version returns the server's version.
func (db *DB) Version() string { return db.version }

// Database returns the name of the database.
func (db *DB) Database() string { return db.database }

// Ping asks for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.conn.Ping(ctx); err != nil {
		return fmt.Errorf("pinging ClickHouse at %s: %w", db.host, Classify(err))
	}
	return nil
}

// Params are the values of a query's {name:Type}, as text. Any text may be a String.
type Params map[string]string

// escaped writes values as ClickHouse reads them: a tab or a line break would end them, a backslash begins an escape.
func (p Params) escaped() clickhouse.Parameters {
	escape := strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r", "\x00", "\\0")
	out := make(clickhouse.Parameters, len(p))
	for name, value := range p {
		out[name] = escape.Replace(value)
	}
	return out
}

// Query runs a query; the caller closes the rows, and classes their errors with Classify. Cancelling ctx before the end
// makes Close quick.
func (db *DB) Query(ctx context.Context, sql string, params Params) (driver.Rows, error) {
	if len(params) > 0 {
		ctx = clickhouse.Context(ctx, clickhouse.WithParameters(params.escaped()))
	}
	rows, err := db.conn.Query(ctx, sql)
	if err != nil {
		return nil, Classify(err)
	}
	return rows, nil
}

// Exec runs a statement that answers nothing.
func (db *DB) Exec(ctx context.Context, sql string) error { return Classify(db.conn.Exec(ctx, sql)) }
