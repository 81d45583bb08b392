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
	if err := w.nameChannels(ctx, CollectChannels(w.copies, w.charsets)); err != nil {
		return err
	}
	return w.nameIdentities(ctx, CollectIdentities(w.copies, w.charsets))
}

func (w *work) nameChannels(ctx context.Context, channels []ChannelRow) error {
	if len(channels) == 0 {
		return nil
	}
	keys := ids(channels, func(r *ChannelRow) [16]byte { return r.Key })
	sources, namespaces, names := make([]string, len(channels)), make([]string, len(channels)), make([]string, len(channels))
	for i, c := range channels {
		sources[i], namespaces[i], names[i] = Clean(string(c.Source)), Clean(string(c.Namespace)), string(c.Channel)
	}
	if _, err := w.tx.Exec(ctx, w.sql["channels_ensure"], keys, sources, namespaces, names); err != nil {
		return fmt.Errorf("making channels: %w", err)
	}
	told := channels[:0:0]
	for _, c := range channels {
		if c.Event != nil {
			told = append(told, c)
		}
	}
	changed, err := w.changedChannels(ctx, channels, told)
	w.written.channels = changed
	return err
}

// changedChannels locks the channels that were told of and those without a counter, and returns them as they are now.
func (w *work) changedChannels(ctx context.Context, all, told []ChannelRow) ([]ChannelRow, error) {
	rows, err := w.tx.Query(ctx, w.sql["channels_lock"], ids(all, func(r *ChannelRow) [16]byte { return r.Key }),
		ids(told, func(r *ChannelRow) [16]byte { return r.Key }))
	if err != nil {
		return nil, fmt.Errorf("locking channels: %w", err)
	}
	byKey := make(map[event.Key]*ChannelRow, len(all))
	for i := range all {
		byKey[all[i].Key] = &all[i]
	}
	var out []ChannelRow
	var key [16]byte
	var stands ChannelRow
	var reading []byte
	var isNew bool
	_, err = pgx.ForEachRow(rows, []any{&key, &stands.Name, &stands.Kind, &stands.Topic, &stands.AsOf, &stands.Event, &reading, &isNew},
		func() error {
			row := stands
			if reading != nil {
				if err := json.Unmarshal(reading, &row.Reading); err != nil {
					return fmt.Errorf("decoding how a channel's name was read: %w", err)
				}
			}
			row.ChannelRef = byKey[key].ChannelRef
			row.Name, row.Topic = w.renamed.Apply(key, row.Name), w.renamed.Apply(key, row.Topic)
			isRenamed := row.Name != stands.Name || row.Topic != stands.Topic
			if row.Merge(byKey[key]) || isRenamed || isNew || w.anew() && byKey[key].Event != nil {
				out = append(out, row)
			}
			stands.AsOf, stands.Event, reading = nil, nil, nil
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("locking channels: %w", err)
	}
	return out, nil
}

func (w *work) nameIdentities(ctx context.Context, met []IdentityRow) error {
	if len(met) == 0 {
		return nil
	}
	known, err := w.identities(ctx, "identities_read", ids(met, func(r *IdentityRow) [16]byte { return r.Key }))
	if err != nil {
		return err
	}
	var missing, changing []IdentityRow
	for _, m := range met {
		stands, found := known[m.Key]
		if !found {
			missing = append(missing, m)
			changing = append(changing, m)
			continue
		}
		now := stands
		now.Rename(w.renamed)
		now.Merge(&m)
		switch {
		case !now.SameNames(&stands) || w.anew():
			changing = append(changing, m)
		case !now.SameTimes(&stands):
			w.aging = append(w.aging, now)
		}
	}
	if err := w.ensureIdentities(ctx, missing); err != nil {
		return err
	}
	return w.changeIdentities(ctx, changing)
}

func (w *work) ensureIdentities(ctx context.Context, missing []IdentityRow) error {
	if len(missing) == 0 {
		return nil
	}
	n := len(missing)
	keys, sources, namespaces, names := make([][16]byte, n), make([]string, n), make([]string, n), make([]string, n)
	for i, m := range missing {
		keys[i], sources[i] = m.Key, Clean(string(m.Source))
		namespaces[i], names[i] = Clean(string(m.Namespace)), Clean(string(m.ID))
	}
	if _, err := w.tx.Exec(ctx, w.sql["identities_ensure"], keys, sources, namespaces, names); err != nil {
		return fmt.Errorf("making identities: %w", err)
	}
	return nil
}

// changeIdentities locks rows whose names seem to change, and decides again under the lock.
func (w *work) changeIdentities(ctx context.Context, changing []IdentityRow) error {
	if len(changing) == 0 {
		return nil
	}
	locked, err := w.identities(ctx, "identities_lock", ids(changing, func(r *IdentityRow) [16]byte { return r.Key }))
	if err != nil {
		return err
	}
	for _, m := range changing {
		stands := locked[m.Key]
		now := stands
		now.Rename(w.renamed)
		now.Merge(&m)
		if stands.Placeholder || w.anew() || !now.SameNames(&stands) || !now.SameTimes(&stands) {
			now.Source, now.Namespace, now.ID = m.Source, m.Namespace, m.ID
			w.written.identities = append(w.written.identities, now)
		}
	}
	return nil
}

func (w *work) identities(ctx context.Context, query string, keys [][16]byte) (map[event.Key]IdentityRow, error) {
	rows, err := w.tx.Query(ctx, w.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (IdentityRow, error) {
		var r IdentityRow
		var key [16]byte
		err := row.Scan(&key, &r.Name, &r.AsOf, &r.Username, &r.UsernameAt, &r.Bot, &r.Placeholder)
		r.Key = key
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	out := make(map[event.Key]IdentityRow, len(all))
	for _, r := range all {
		out[r.Key] = r
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
		keys[i], names[i], ats[i], usernames[i], usernameAts[i] = r.Key, r.Name, r.AsOf, r.Username, r.UsernameAt
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
