package normalise

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// chatStream is the stream whose sequences the ledger holds.
const chatStream = "CHAT"

// known is what a keeper remembers between transactions. Copies of it that write through other gates share it.
type known struct {
	mu          sync.Mutex // covers all below
	settled     bool       // under token, the record has its generation and its number for the stream's life
	token       uint64
	created     time.Time  // of the stream
	started     time.Time  // of the Postgres server
	incarnation int32      // for who only reads; 0: to be asked for
	refused     seqset.Set // what the sweep could not store, and said so
	refusedIn   int32      // the incarnation that refused is of
	newest      life       // of the newest transaction that this process has committed
	counter     int64      // of that transaction
	floor       uint64     // the ledger holds everything up to it
	floorOf     life       // as read by this one
	replaced    life       // its generation and incarnation were found to be another store's, or another stream's
}

// forget has the next transaction look again at what the record and the stream are.
func (k *Store) forget() {
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	k.known.settled, k.known.incarnation = false, 0
}

// Invalidate has the next transaction check again that stream and store are the ones that it knows. It is to be called whenever
// the connection to the bus was lost: the servers may have been restored from a copy meanwhile.
func (k *Store) Invalidate() { k.forget() }

func (n *known) under(token uint64) (created time.Time, settled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.created, n.settled && n.token == token
}

// ensureIdentity returns when the stream was created. At every new token it looks at both again and gives the record what it lacks: its
// generation, and its number for this life of the stream. Several may do so at once.
func (k *Store) ensureIdentity(permit *gate.Permit) (time.Time, error) {
	if created, settled := k.known.under(permit.Token); settled {
		return created, nil
	}
	ctx := permit.Context()
	created, err := k.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return created, fmt.Errorf("asking when the stream was created: %w", err)
	}
	// Read before the store is: others may be publishing, and what is published was committed before.
	published, err := k.cfg.Stream.Published(ctx)
	if err != nil {
		return created, fmt.Errorf("asking what was published: %w", err)
	}
	var has life
	var anchors []entry
	var at server
	err = k.transaction(permit, created, func(ctx context.Context, tx pgx.Tx, l life) (err error) {
		has = l
		if anchors, err = k.anchors(ctx, tx, l.incarnation); err != nil {
			return err
		}
		at, err = k.server(ctx, tx)
		return err
	})
	if err != nil {
		return created, err
	}
	// The bus is asked between transactions: who waits for it must not hold up whoever raises the token.
	other, err := k.otherStream(ctx, has.incarnation, anchors)
	if err != nil {
		return created, err
	}
	n := need{stream: other, store: at.wentBack(has, published)}
	if n.store == "" && k.known.isReplaced(has.generation, -1) {
		n.store = "a counter was allocated twice"
	}
	if has, err = k.bear(permit, created, has, n, at, published); err != nil {
		return created, err
	}
	k.remember(permit.Token, created, has)
	return created, nil
}

// need is why a record needs a new incarnation or a new generation, beside having none; empty: it does not.
type need struct{ stream, store string }

// bear gives the record what it lacks. Of several who do so at once the first wins; the others' generations are never used,
// which is harmless: they only have to rise.
func (k *Store) bear(permit *gate.Permit, created time.Time, has life, n need, at server, published fact.Version) (life, error) {
	if has.born() && n == (need{}) && at.recorded(has.token) {
		return has, nil
	}
	var next uint16
	if has.generation < 0 || n.store != "" {
		var err error
		if next, err = k.cfg.Stream.NextGeneration(permit.Context(), max(uint16(max(has.generation, 0)), published.Generation)); err != nil {
			return has, fmt.Errorf("asking for a generation: %w", err)
		}
		k.cfg.Failpoint("generation")
	}
	err := k.transaction(permit, created, func(ctx context.Context, tx pgx.Tx, _ life) error {
		if _, err := tx.Exec(ctx, k.sql["incarnations_alone"]); err != nil {
			return fmt.Errorf("noting a new incarnation of the stream: %w", err)
		}
		if next > 0 {
			if _, err := tx.Exec(ctx, k.sql["store_generate"], int32(next), has.generation); err != nil {
				return fmt.Errorf("writing the store's generation: %w", err)
			}
		}
		if _, err := tx.Exec(ctx, k.sql["store_server_set"], at.system, at.timeline, has.token); err != nil {
			return fmt.Errorf("writing the store's server: %w", err)
		}
		if has.incarnation > 0 && n.stream == "" {
			return nil
		}
		added, err := tx.Exec(ctx, k.sql["incarnation_add"], chatStream, created, has.incarnation)
		if err != nil {
			return fmt.Errorf("noting a new incarnation of the stream: %w", err)
		}
		// The stream of facts went back too, perhaps before ClickHouse had all of it.
		if added.RowsAffected() > 0 && next == 0 {
			if _, err := tx.Exec(ctx, k.sql["store_republish"], has.generation); err != nil {
				return fmt.Errorf("noting that facts are to be published again: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return has, err
	}
	k.cfg.Failpoint("identity")
	was := has
	err = k.transaction(permit, created, func(_ context.Context, _ pgx.Tx, l life) error { has = l; return nil })
	if err == nil {
		k.report(was, has, n)
	}
	return has, err
}

func (k *Store) remember(token uint64, created time.Time, has life) {
	n := k.known
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.token != token || n.refusedIn != has.incarnation {
		n.refused, n.refusedIn = seqset.Set{}, has.incarnation // by another server, or of another stream
	}
	n.settled, n.token, n.created, n.started, n.incarnation = true, token, created, has.started, has.incarnation
}

// entry is an event of the ledger.
type entry struct {
	sequence int64
	event    [16]byte
}

// asker is a pool or a transaction.
type asker interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// anchors returns events that were entered in a life of the stream: the highest, and some of earlier transactions.
func (k *Store) anchors(ctx context.Context, q querier, incarnation int32) ([]entry, error) {
	rows, err := q.Query(ctx, k.sql["ledger_anchors"], incarnation)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's newest entries: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e entry, err error) {
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

// otherStream says why the stream cannot be the one that the ledger knows; empty: it can. An event that was entered stands at its
// sequence, or was deleted; what lies above the stream's end was not deleted.
func (k *Store) otherStream(ctx context.Context, incarnation int32, anchors []entry) (why string, err error) {
	if k.known.isReplaced(-1, incarnation) {
		return "a message was delivered at a sequence that the ledger holds, and its events are not stored", nil
	}
	if len(anchors) == 0 {
		return "", nil
	}
	var end uint64
	for try := 1; ; try++ {
		if end, err = k.cfg.Stream.LastSequence(ctx); err != nil {
			return "", fmt.Errorf("asking for the stream's last sequence: %w", err)
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
		d, found, err := k.cfg.Stream.Get(ctx, uint64(a.sequence))
		if err != nil {
			return "", fmt.Errorf("looking at sequence %d of the stream: %w", a.sequence, err)
		}
		if found && !holdsEvent(&d, a.event) {
			return fmt.Sprintf("another event than the ledger's stands at sequence %d", a.sequence), nil
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

// reading returns the record's number for the stream's life without writing one; 0 if it has none, or if the stream is no longer
// the one that the record knows. What others have found since counts.
func (k *Store) reading(ctx context.Context) (int32, error) {
	k.known.mu.Lock()
	number, created := k.known.incarnation, k.known.created
	k.known.mu.Unlock()
	if number != 0 {
		var newest int32
		if err := k.cfg.Pool.QueryRow(ctx, k.sql["incarnation_newest"], chatStream, created).Scan(&newest); err != nil {
			return 0, pg.Classify(fmt.Errorf("looking up the stream's incarnation: %w", err))
		}
		if newest == number {
			return number, nil
		}
	}
	created, err := k.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking when the stream was created: %w", err)
	}
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["incarnation_newest"], chatStream, created).Scan(&number); err != nil {
		return 0, pg.Classify(fmt.Errorf("looking up the stream's incarnation: %w", err))
	}
	anchors, err := k.anchors(ctx, k.cfg.Pool, number)
	if err != nil {
		return 0, pg.Classify(err)
	}
	why, err := k.otherStream(ctx, number, anchors)
	if err != nil || why != "" {
		return 0, err
	}
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	k.known.incarnation = number
	if !k.known.settled {
		k.known.created = created
	}
	return number, nil
}

// Incarnation returns the number under which the ledger holds the stream as it is; 0: none yet.
func (k *Store) Incarnation(ctx context.Context) (int32, error) { return k.reading(ctx) }
