package ch

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/sqlfile"
)

// Table is one that holds facts.
type Table string

// The tables.
const (
	Messages    Table = "messages"
	Versions    Table = "versions"
	Reactions   Table = "reactions"
	Memberships Table = "memberships"
	Channels    Table = "channels"
	Identities  Table = "identities"
	Sightings   Table = "sightings"
)

// Tables returns all of them.
func Tables() []Table {
	return []Table{Messages, Versions, Reactions, Memberships, Channels, Identities, Sightings}
}

//go:embed queries/*.sql
var queries embed.FS

func (db *DB) perTable(what string, t Table) (string, error) {
	if !slices.Contains(Tables(), t) {
		return "", fmt.Errorf("reading the %s of %q: there is no such table of facts", what, t)
	}
	return sqlfile.Text(queries, what+"_"+string(t)), nil
}

// State is which state of a thing the table holds.
type State struct {
	ID      [16]byte
	Version fact.Version
	Deleted bool // a deleted message or a reaction taken back
	// Hash is that of the fact. Zero: its publisher made none.
	Hash      fact.Hash
	Truncated bool // the table holds less than the fact said
	Intact    bool // the columns are what the hash is of, as far as anybody can say
}

// AllIDs is the widest range of ids: from, to.
func AllIDs() (from, to [16]byte) {
	for i := range to {
		to[i] = 0xff
	}
	return from, to
}

// States yields the current state of every thing with an id in [from, to], by rising id; an error of yield ends it. The
// server sorts them, on disk if they are many; of ours only a few blocks are held at a time. The table is read from end to
// end for every call, so ranges should be wide: each about as many things as there is memory for on the other side.
func (db *DB) States(ctx context.Context, t Table, from, to [16]byte, yield func(State) error) error {
	sql, err := db.perTable("states", t)
	if err != nil {
		return err
	}
	params := Params{"from": hex.EncodeToString(from[:]), "to": hex.EncodeToString(to[:])}
	var s State
	var id, hash string
	err = db.Each(ctx, sql, params, func(rows driver.Rows) error {
		v := &s.Version
		if err := rows.Scan(&id, &v.Generation, &v.Token, &v.Counter, &s.Deleted, &hash, &s.Truncated, &s.Intact); err != nil {
			return Classify(err)
		}
		copy(s.ID[:], id)
		copy(s.Hash[:], hash)
		return yield(s)
	})
	if err != nil {
		return fmt.Errorf("reading the states of %s: %w", t, err)
	}
	return nil
}

// Count is how many things a chat has of a day.
type Count struct {
	Source, Namespace, Channel string
	Day                        *time.Time // UTC; nil where no time is known, and of channels and identities
	Things                     uint64
	Deleted                    uint64
}

// Counts yields how many things the table holds by source, namespace, channel (empty for identities) and day of the
// thing's own time, in that order.
func (db *DB) Counts(ctx context.Context, t Table, yield func(Count) error) error {
	sql, err := db.perTable("counts", t)
	if err != nil {
		return err
	}
	err = db.Each(ctx, sql, nil, func(rows driver.Rows) error {
		var c Count
		if err := rows.Scan(&c.Source, &c.Namespace, &c.Channel, &c.Day, &c.Things, &c.Deleted); err != nil {
			return Classify(err)
		}
		return yield(c)
	})
	if err != nil {
		return fmt.Errorf("counting %s: %w", t, err)
	}
	return nil
}

// sortMemory is what a sort or a grouping may take of the server's memory before it goes to disk.
const sortMemory = 256 << 20

// Each gives every row of an answer to take, and leaves nothing running behind. Sorts and groups of more than sortMemory go
// to the disk of the server.
func (db *DB) Each(ctx context.Context, sql string, params Params, take func(driver.Rows) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := db.Query(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"max_bytes_before_external_sort": sortMemory, "max_bytes_before_external_group_by": sortMemory,
	})), sql, params)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := take(rows); err != nil {
			cancel() // or else closing would read the rest of the answer
			return errors.Join(err, ignoreCancelled(rows.Close()))
		}
	}
	return Classify(errors.Join(rows.Err(), rows.Close()))
}

func ignoreCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
