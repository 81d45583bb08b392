package normalise

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// name makes sure that every channel and identity of the batch has a row, and locks those whose names change. Rows that
// are missing are inserted without a counter first, so that of two workers who meet the same author one waits for the
// other instead of failing; that only the time of a name moves on is written at the very end, when it holds nobody up.
func (w *work) name(ctx context.Context) error {
	if err := w.nameChannels(ctx, gatherChannels(w.copies, w.charsets)); err != nil {
		return err
	}
	return w.nameIdentities(ctx, gatherIdentities(w.copies, w.charsets))
}

func (w *work) nameChannels(ctx context.Context, channels []channelRow) error {
	if len(channels) == 0 {
		return nil
	}
	keys := ids(channels, func(r *channelRow) [16]byte { return r.key })
	sources, namespaces, names := make([]string, len(channels)), make([]string, len(channels)), make([]string, len(channels))
	for i, c := range channels {
		sources[i], namespaces[i], names[i] = clean(string(c.source)), clean(string(c.namespace)), string(c.channel)
	}
	if _, err := w.tx.Exec(ctx, w.sql["channels_ensure"], keys, sources, namespaces, names); err != nil {
		return fmt.Errorf("making channels: %w", err)
	}
	told := channels[:0:0]
	for _, c := range channels {
		if c.event != nil {
			told = append(told, c)
		}
	}
	changed, err := w.changedChannels(ctx, channels, told)
	w.written.channels = changed
	return err
}

// changedChannels locks the channels that were told of and those without a counter, and returns them as they are now.
func (w *work) changedChannels(ctx context.Context, all, told []channelRow) ([]channelRow, error) {
	rows, err := w.tx.Query(ctx, w.sql["channels_lock"], ids(all, func(r *channelRow) [16]byte { return r.key }),
		ids(told, func(r *channelRow) [16]byte { return r.key }))
	if err != nil {
		return nil, fmt.Errorf("locking channels: %w", err)
	}
	byKey := make(map[event.Key]*channelRow, len(all))
	for i := range all {
		byKey[all[i].key] = &all[i]
	}
	var out []channelRow
	var key [16]byte
	var stands channelRow
	var reading []byte
	var isNew bool
	_, err = pgx.ForEachRow(rows, []any{&key, &stands.name, &stands.kind, &stands.topic, &stands.asOf, &stands.event, &reading, &isNew},
		func() error {
			row := stands
			if reading != nil {
				if err := json.Unmarshal(reading, &row.reading); err != nil {
					return fmt.Errorf("decoding how a channel's name was read: %w", err)
				}
			}
			row.place = byKey[key].place
			row.name, row.topic = w.renamed.name(key, row.name), w.renamed.name(key, row.topic)
			isRenamed := row.name != stands.name || row.topic != stands.topic
			if row.learn(byKey[key]) || isRenamed || isNew || w.anew() && byKey[key].event != nil {
				out = append(out, row)
			}
			stands.asOf, stands.event, reading = nil, nil, nil
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("locking channels: %w", err)
	}
	return out, nil
}

func (w *work) nameIdentities(ctx context.Context, met []identityRow) error {
	if len(met) == 0 {
		return nil
	}
	known, err := w.identities(ctx, "identities_read", ids(met, func(r *identityRow) [16]byte { return r.key }))
	if err != nil {
		return err
	}
	var missing, changing []identityRow
	for _, m := range met {
		stands, found := known[m.key]
		if !found {
			missing = append(missing, m)
			changing = append(changing, m)
			continue
		}
		now := stands
		now.rename(w.renamed)
		now.learn(&m)
		switch {
		case !now.sameNames(&stands) || w.anew():
			changing = append(changing, m)
		case !now.sameTimes(&stands):
			w.aging = append(w.aging, now)
		}
	}
	if err := w.ensureIdentities(ctx, missing); err != nil {
		return err
	}
	return w.changeIdentities(ctx, changing)
}

func (w *work) ensureIdentities(ctx context.Context, missing []identityRow) error {
	if len(missing) == 0 {
		return nil
	}
	n := len(missing)
	keys, sources, namespaces, names := make([][16]byte, n), make([]string, n), make([]string, n), make([]string, n)
	for i, m := range missing {
		keys[i], sources[i] = m.key, clean(string(m.source))
		namespaces[i], names[i] = clean(string(m.namespace)), clean(string(m.id))
	}
	if _, err := w.tx.Exec(ctx, w.sql["identities_ensure"], keys, sources, namespaces, names); err != nil {
		return fmt.Errorf("making identities: %w", err)
	}
	return nil
}

// changeIdentities locks rows whose names seem to change, and decides again under the lock.
func (w *work) changeIdentities(ctx context.Context, changing []identityRow) error {
	if len(changing) == 0 {
		return nil
	}
	locked, err := w.identities(ctx, "identities_lock", ids(changing, func(r *identityRow) [16]byte { return r.key }))
	if err != nil {
		return err
	}
	for _, m := range changing {
		stands := locked[m.key]
		now := stands
		now.rename(w.renamed)
		now.learn(&m)
		if stands.unborn || w.anew() || !now.sameNames(&stands) || !now.sameTimes(&stands) {
			now.source, now.namespace, now.id = m.source, m.namespace, m.id
			w.written.identities = append(w.written.identities, now)
		}
	}
	return nil
}

func (w *work) identities(ctx context.Context, query string, keys [][16]byte) (map[event.Key]identityRow, error) {
	rows, err := w.tx.Query(ctx, w.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (identityRow, error) {
		var r identityRow
		var key [16]byte
		err := row.Scan(&key, &r.name, &r.asOf, &r.username, &r.usernameAt, &r.bot, &r.unborn)
		r.key = key
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	out := make(map[event.Key]identityRow, len(all))
	for _, r := range all {
		out[r.key] = r
	}
	return out, nil
}

// age moves the times of unchanged names on. If a name has changed since it was read, the transaction must run again.
func (w *work) age(ctx context.Context) error {
	if len(w.aging) == 0 {
		return nil
	}
	n := len(w.aging)
	keys, names, usernames := make([][16]byte, n), make([]string, n), make([]string, n)
	ats, usernameAts := make([]*time.Time, n), make([]*time.Time, n)
	for i, r := range w.aging {
		keys[i], names[i], ats[i], usernames[i], usernameAts[i] = r.key, r.name, r.asOf, r.username, r.usernameAt
	}
	var found int
	if err := w.tx.QueryRow(ctx, w.sql["identities_age"], keys, names, ats, usernames, usernameAts).Scan(&found); err != nil {
		return fmt.Errorf("noting when names were shown: %w", err)
	}
	if found != n {
		return errMoved
	}
	return nil
}
