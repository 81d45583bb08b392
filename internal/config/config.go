// Package config brings one YAML file, the environment and the command line's flags, in rising precedence, into one struct.
//
// It promises that nothing is silently ignored: an unknown key or variable is refused with its place and the name that was
// probably meant, and all mistakes are reported at once. A Config that Load returned has been checked and needs no second
// look. No way of printing a Config shows a secret. It connects to nothing, so it cannot tell whether a server is there.
//
// Every key can be set by a variable: AGRICHAT_, then the key in capitals, with one underscore where the key has a dot:
// nats.chat_max_bytes is AGRICHAT_NATS_CHAT_MAX_BYTES. Lists are parted by commas there. Only the list of sources needs the
// file. A relative path in the file starts at the file's folder; in a variable or flag, at the working folder.
package config

import "time"

// Config is all that can be configured. The yaml tags are the keys.
type Config struct {
	Data       string     `yaml:"data"`    // the folder that holds everything this program writes; absolute
	Engines    string     `yaml:"engines"` // where the embedded servers' programs are; empty: where the engines are looked for
	NATS       NATS       `yaml:"nats"`
	Postgres   Postgres   `yaml:"postgres"`
	ClickHouse ClickHouse `yaml:"clickhouse"`
	Etcd       Etcd       `yaml:"etcd"`
	Patroni    Patroni    `yaml:"patroni"`
	Listen     Listen     `yaml:"listen"`
	Import     Import     `yaml:"import"`
	Normalise  Consumer   `yaml:"normalise"`
	Aggregate  Consumer   `yaml:"aggregate"`
	Log        Log        `yaml:"log"`
	Sources    []Source   `yaml:"sources"`
}

// NATS is the bus. Without URLs it is embedded, and the rest but the sizes does not matter.
type NATS struct {
	URLs          []string `yaml:"urls"`
	User          string   `yaml:"user"`
	Password      string   `yaml:"password"`
	PasswordFile  string   `yaml:"password_file"` // Load has read it into Password
	CredsFile     string   `yaml:"creds_file"`
	Replicas      int      `yaml:"replicas"` // of the streams
	ChatMaxBytes  Size     `yaml:"chat_max_bytes"`
	FactsMaxBytes Size     `yaml:"facts_max_bytes"`
	BundleEvents  int      `yaml:"bundle_events"` // events that one message may carry
}

// Embedded says that the bus runs inside this program.
func (n NATS) Embedded() bool { return len(n.URLs) == 0 }

// Postgres is the record.
type Postgres struct {
	DSN      string `yaml:"dsn"`      // a URL or keywords; several hosts, each with its port; empty: embedded
	DSNFile  string `yaml:"dsn_file"` // Load has read it into DSN
	MaxConns int    `yaml:"max_conns"`
}

// Embedded says that the record is kept by a child of this program.
func (p Postgres) Embedded() bool { return p.DSN == "" }

// ClickHouse holds the figures.
type ClickHouse struct {
	URL     string `yaml:"url"`      // clickhouse://, http:// or https://; empty: embedded
	URLFile string `yaml:"url_file"` // Load has read it into URL
}

// Embedded says that the figures are kept by a child of this program.
func (c ClickHouse) Embedded() bool { return c.URL == "" }

// Etcd is where a Patroni cluster keeps who its leader is. Without endpoints nobody elects leaders, and writing is always
// allowed.
type Etcd struct {
	Endpoints    []string `yaml:"endpoints"` // http:// or https://, each with its port
	User         string   `yaml:"user"`
	Password     string   `yaml:"password"`
	PasswordFile string   `yaml:"password_file"` // Load has read it into Password
	CAFile       string   `yaml:"ca_file"`       // whom to believe; empty: whom the machine believes
	CertFile     string   `yaml:"cert_file"`     // who we are; with KeyFile
	KeyFile      string   `yaml:"key_file"`
}

// Followed says that there is a leader to follow.
func (e Etcd) Followed() bool { return len(e.Endpoints) > 0 }

// Patroni says which of the clusters in etcd it is, as in its own configuration.
type Patroni struct {
	Namespace string `yaml:"namespace"`
	Scope     string `yaml:"scope"`
}

// Listen is where this program can be asked.
type Listen struct {
	HTTP string `yaml:"http"` // pages, API, health and metrics
}

// Import is what archives do not say themselves.
type Import struct {
	Account   string `yaml:"account"`
	Namespace string `yaml:"namespace"`
	Channel   string `yaml:"channel"`
	Zone      string `yaml:"zone"` // in which times without a zone are read
	Charset   string `yaml:"charset"`
	DateOrder string `yaml:"date_order"` // dmy, mdy or ymd, of dates that could be either way round
	Batch     int    `yaml:"batch"`      // events published at once
}

// Location returns the zone, nil where none is named.
func (i Import) Location() *time.Location {
	if i.Zone == "" {
		return nil
	}
	loc, err := time.LoadLocation(i.Zone)
	if err != nil {
		return nil // Load has refused it
	}
	return loc
}

// Consumer is how hard a consumer works.
type Consumer struct {
	Workers int `yaml:"workers"`
	Batch   int `yaml:"batch"` // messages handled at once, at most
}

// Log is what is logged, and how.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // auto (text on a terminal, JSON elsewhere), text, json
}

// maxAtomicBatch is how many messages the embedded bus takes in one atomic batch. Others may take fewer: a thousand, unless they
// are told otherwise.
const maxAtomicBatch = 4000

// Default returns what holds where nobody says otherwise; only Data is missing, which depends on the user's home.
func Default() Config {
	return Config{
		// 20 GB are some forty million messages of ordinary length. A stream may promise less than the disk has, because
		// writers throttle on free space long before.
		NATS:     NATS{Replicas: 1, ChatMaxBytes: 20 * gigabyte, FactsMaxBytes: 10 * gigabyte, BundleEvents: 500},
		Postgres: Postgres{MaxConns: 8},           // the workers of one process, its readers, and some air
		Patroni:  Patroni{Namespace: "/service/"}, // its own default
		Listen:   Listen{HTTP: "127.0.0.1:8642"},
		// The server makes files for each atomic batch: a message of batches of 500 cost bus and importer 16.4 us of processor
		// time, of 1000 13.6, of 2000 11.4, of 4000 10.3. A live source's messages wait behind what is on its way.
		Import: Import{Batch: 2000},
		// Every transaction has its commits and its blocks of facts: a message of batches of 1000 costs all programs together
		// 233 us of processor time, of 2500 218. 4000 were no better, and took twice the memory of 1000.
		Normalise: Consumer{Workers: 2, Batch: 2000},
		Aggregate: Consumer{Workers: 1, Batch: 2000},
		Log:       Log{Level: "info", Format: "auto"},
	}
}
