package normalise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
)

// identity keeps which store this is, by its generation, and of which stream, by its incarnation; and finds out when either was restored
// from a backup.
type identity struct {
	*core
	db *transactor
}

// errReplaced says that the store or the stream was restored from a backup while it was in use. The cache is invalidated, and the
// transaction is retried.
var errReplaced = errors.New("the store or the stream was restored to an earlier state")

// server is on which server the store was last written, and on which it is now.
type server struct {
	knownSystem, knownTimeline string // empty: not recorded
	knownToken                 int64
	system, timeline           string // system is empty where the role may not read it
	counter                    int64  // the newest that was committed
}

func (i *identity) server(ctx context.Context, tx pgx.Tx) (s server, err error) {
	var allowed bool
	err = tx.QueryRow(ctx, i.sql["store_server"]).Scan(&s.knownSystem, &s.knownTimeline, &s.knownToken, &s.timeline, &allowed, &s.counter)
	if err != nil {
		return s, fmt.Errorf("reading which server the store is on: %w", err)
	}
	if !allowed {
		i.cfg.Log.Warn("the role may not execute pg_control_system(): a database that was copied to another server is noticed by its counters only")
		s.system = s.knownSystem
		return s, nil
	}
	if err := tx.QueryRow(ctx, i.sql["store_system"]).Scan(&s.system); err != nil {
		return s, fmt.Errorf("reading the system identifier: %w", err)
	}
	return s, nil
}

func (s server) recorded(token int64) bool {
	return s.system == s.knownSystem && s.timeline == s.knownTimeline && token == s.knownToken
}

// wentBack returns why facts may have been published that this store does not have, under versions that it would allocate again; empty:
// none were. A failover raises the token, and thereby every version.
func (s server) wentBack(ident storeIdentity, published fact.Version) string {
	if ident.generation < 0 {
		return ""
	}
	switch g := uint16(ident.generation); {
	case s.knownSystem != "" && s.knownSystem != s.system:
		return fmt.Sprintf("the system identifier was %s and is %s", s.knownSystem, s.system)
	case s.knownTimeline != "" && s.knownToken == ident.token && s.knownTimeline != s.timeline:
		return fmt.Sprintf("the timeline was %s and is %s, under the same token", s.knownTimeline, s.timeline)
	case published.Generation > g:
		return fmt.Sprintf("the store has generation %d, facts are published under %d", g, published.Generation)
	case published.Generation == g && published.Token > uint64(ident.token):
		return fmt.Sprintf("the store has token %d, facts are published under %d", ident.token, published.Token)
	case published.Generation == g && published.Token == uint64(ident.token) && published.Counter > uint64(s.counter):
		return fmt.Sprintf("the store's newest counter is %d, facts are published under %d", s.counter, published.Counter)
	}
	return ""
}

// report logs that the store has a new generation or the stream a new incarnation, and why.
func (i *identity) report(was, is storeIdentity, n need) {
	if n.store != "" && is.generation != was.generation {
		i.cfg.Log.Warn("the database was restored: it has a new generation, and all facts are published again",
			"cause", n.store, "was", was.generation, "generation", is.generation)
		i.cfg.Replaced("generation")
	}
	if n.stream != "" && is.incarnation != was.incarnation {
		i.cfg.Log.Warn("the stream was restored: it is read again from the beginning, and all facts are published again",
			"cause", n.stream, "was", was.incarnation, "incarnation", is.incarnation)
		i.cfg.Replaced("incarnation")
	}
}

// chatStream is the stream whose sequences the ledger holds.
const chatStream = "CHAT"

// ensure returns when the stream was created. Under every new token it reads the identities of both again, and initialises what the
// database lacks: its generation, and the incarnation of the stream. Several may do so concurrently.
func (i *identity) ensure(permit *gate.Permit) (time.Time, error) {
	if created, ok := i.cache.under(permit.Token); ok {
		return created, nil
	}
	ctx := permit.Context()
	created, err := i.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return created, fmt.Errorf("reading when the stream was created: %w", err)
	}
	// Read before the store is: others may be publishing, and what is published was committed before.
	published, err := i.cfg.Stream.Published(ctx)
	if err != nil {
		return created, fmt.Errorf("reading what was published: %w", err)
	}
	var has storeIdentity
	var anchors []ledgerAnchor
	var at server
	err = i.db.run(permit, created, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) (err error) {
		has = ident
		if anchors, err = i.anchors(ctx, tx, ident.incarnation); err != nil {
			return err
		}
		at, err = i.server(ctx, tx)
		return err
	})
	if err != nil {
		return created, err
	}
	// Hold no transaction while waiting for NATS: it would block raising the fencing token.
	other, err := i.otherStream(ctx, has.incarnation, anchors)
	if err != nil {
		return created, err
	}
	n := need{stream: other, store: at.wentBack(has, published)}
	if n.store == "" && i.cache.isReplaced(has.generation, -1) {
		n.store = "a counter was allocated twice"
	}
	if has, err = i.initialise(permit, created, has, n, at, published); err != nil {
		return created, err
	}
	i.cache.put(permit.Token, created, has)
	return created, nil
}

// need is why a store needs a new incarnation or a new generation although it has one; empty: it does not.
type need struct{ stream, store string }

// initialise writes what the store lacks. Of concurrent initialisers the first commit wins; the others' generations are skipped, which
// is harmless: they only have to rise.
func (i *identity) initialise(permit *gate.Permit, created time.Time, has storeIdentity, n need, at server, published fact.Version) (storeIdentity, error) {
	if has.complete() && n == (need{}) && at.recorded(has.token) {
		return has, nil
	}
	var next uint16
	if has.generation < 0 || n.store != "" {
		var err error
		if next, err = i.cfg.Stream.NextGeneration(permit.Context(), max(uint16(max(has.generation, 0)), published.Generation)); err != nil {
			return has, fmt.Errorf("allocating a generation: %w", err)
		}
		i.cfg.Failpoint("generation")
	}
	err := i.db.run(permit, created, func(ctx context.Context, tx pgx.Tx, _ storeIdentity) error {
		if _, err := tx.Exec(ctx, i.sql["incarnations_alone"]); err != nil {
			return fmt.Errorf("recording a new incarnation of the stream: %w", err)
		}
		if next > 0 {
			if _, err := tx.Exec(ctx, i.sql["store_generate"], int32(next), has.generation); err != nil {
				return fmt.Errorf("writing the store's generation: %w", err)
			}
		}
		if _, err := tx.Exec(ctx, i.sql["store_server_set"], at.system, at.timeline, has.token); err != nil {
			return fmt.Errorf("writing the store's server: %w", err)
		}
		if has.incarnation > 0 && n.stream == "" {
			return nil
		}
		added, err := tx.Exec(ctx, i.sql["incarnation_add"], chatStream, created, has.incarnation)
		if err != nil {
			return fmt.Errorf("recording a new incarnation of the stream: %w", err)
		}
		// The stream of facts went back too, perhaps before ClickHouse had all of it.
		if added.RowsAffected() > 0 && next == 0 {
			if _, err := tx.Exec(ctx, i.sql["store_republish"], has.generation); err != nil {
				return fmt.Errorf("recording that facts are to be published again: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return has, err
	}
	i.cfg.Failpoint("identity")
	was := has
	err = i.db.run(permit, created, func(_ context.Context, _ pgx.Tx, ident storeIdentity) error { has = ident; return nil })
	if err == nil {
		i.report(was, has, n)
	}
	return has, err
}

// ledgerAnchor is an event whose sequence the ledger holds.
type ledgerAnchor struct {
	sequence int64
	event    [16]byte
}

// rowQuerier is a pool or a transaction.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// anchors returns events of the ledger in an incarnation of the stream: the highest, and some of earlier transactions.
func (i *identity) anchors(ctx context.Context, q querier, incarnation int32) ([]ledgerAnchor, error) {
	rows, err := q.Query(ctx, i.sql["ledger_anchors"], incarnation)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's newest entries: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e ledgerAnchor, err error) {
		err = row.Scan(&e.sequence, &e.event)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's newest entries: %w", err)
	}
	return list, nil
}

// A new leader of the stream may not have applied all that its predecessor acknowledged.
const (
	endTries = 4
	endPause = 250 * time.Millisecond
)

// otherStream returns why the stream cannot be the one of the ledger; empty: it can. An event of the ledger is at its sequence, or was
// deleted; what lies above the stream's end was not deleted.
func (i *identity) otherStream(ctx context.Context, incarnation int32, anchors []ledgerAnchor) (why string, err error) {
	if i.cache.isReplaced(-1, incarnation) {
		return "a message was delivered at a sequence that the ledger holds, and its events are not stored", nil
	}
	if len(anchors) == 0 {
		return "", nil
	}
	var end uint64
	for try := 1; ; try++ {
		if end, err = i.cfg.Stream.LastSequence(ctx); err != nil {
			return "", fmt.Errorf("reading the stream's last sequence: %w", err)
		}
		if uint64(anchors[0].sequence) <= end || try == endTries {
			break
		}
		if err := pause(ctx, endPause); err != nil {
			return "", err
		}
	}
	if highest := uint64(anchors[0].sequence); highest > end {
		return fmt.Sprintf("the ledger holds sequence %d, the stream ends at %d", highest, end), nil
	}
	for _, a := range anchors {
		d, found, err := i.cfg.Stream.Get(ctx, uint64(a.sequence))
		if err != nil {
			return "", fmt.Errorf("reading sequence %d of the stream: %w", a.sequence, err)
		}
		if found && !holdsEvent(&d, a.event) {
			return fmt.Sprintf("another event than the ledger's is at sequence %d", a.sequence), nil
		}
	}
	return "", nil
}

// holdsEvent reports whether a message is of the event. One that another program published may have no header that names it.
func holdsEvent(d *consumers.Delivery, id event.ID) bool {
	if d.EventIDs != "" {
		return d.Carries(id.String())
	}
	e, _, err := event.DecodeWithoutRaw(d.Data)
	return err == nil && e.ID == id
}

// current returns the stream's incarnation without writing one; 0 if the database has none, or if the stream is no longer the one of
// the ledger. What other processes have found since counts.
func (i *identity) current(ctx context.Context) (int32, error) {
	number, created := i.cache.reading()
	if number != 0 {
		var newest int32
		if err := i.cfg.Pool.QueryRow(ctx, i.sql["incarnation_newest"], chatStream, created).Scan(&newest); err != nil {
			return 0, pg.Classify(fmt.Errorf("looking up the stream's incarnation: %w", err))
		}
		if newest == number {
			return number, nil
		}
	}
	created, err := i.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading when the stream was created: %w", err)
	}
	if err := i.cfg.Pool.QueryRow(ctx, i.sql["incarnation_newest"], chatStream, created).Scan(&number); err != nil {
		return 0, pg.Classify(fmt.Errorf("looking up the stream's incarnation: %w", err))
	}
	anchors, err := i.anchors(ctx, i.cfg.Pool, number)
	if err != nil {
		return 0, pg.Classify(err)
	}
	why, err := i.otherStream(ctx, number, anchors)
	if err != nil || why != "" {
		return 0, err
	}
	i.cache.putReading(number, created)
	return number, nil
}
