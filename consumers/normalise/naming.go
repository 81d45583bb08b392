package normalise

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// namer gives every channel and identity of a batch its row, and learns their names.
type namer struct{ *batchTx }

// ensureNames makes sure that every channel and identity of the batch has a row, and locks those whose names change. Rows that
// are missing are inserted without a counter first, so that of two workers who meet the same author one waits for the
// other instead of failing; a name whose time alone moves on is written at the very end, where its lock is shortest.
func (n *namer) ensureNames(ctx context.Context) error {
	if err := n.nameChannels(ctx, projection.CollectChannels(n.copies, n.rereadings.Charsets)); err != nil {
		return err
	}
	return n.nameIdentities(ctx, projection.CollectIdentities(n.copies, n.rereadings.Charsets))
}

func (n *namer) nameChannels(ctx context.Context, channels []projection.ChannelRow) error {
	if len(channels) == 0 {
		return nil
	}
	keys := ids(channels, func(r *projection.ChannelRow) [16]byte { return r.Key })
	sources, namespaces, names := make([]string, len(channels)), make([]string, len(channels)), make([]string, len(channels))
	for i, c := range channels {
		sources[i], namespaces[i], names[i] = projection.Clean(string(c.Source)), projection.Clean(string(c.Namespace)), string(c.Channel)
	}
	if _, err := n.tx.Exec(ctx, n.sql["channels_ensure"], keys, sources, namespaces, names); err != nil {
		return fmt.Errorf("inserting channels: %w", err)
	}
	named := channels[:0:0]
	for _, c := range channels {
		if c.Event != nil {
			named = append(named, c)
		}
	}
	changed, err := n.changedChannels(ctx, channels, named)
	n.written.channels = changed
	return err
}

// changedChannels locks the channels that events name and those without a counter, and returns those that change.
func (n *namer) changedChannels(ctx context.Context, all, named []projection.ChannelRow) ([]projection.ChannelRow, error) {
	rows, err := n.tx.Query(ctx, n.sql["channels_lock"], ids(all, func(r *projection.ChannelRow) [16]byte { return r.Key }),
		ids(named, func(r *projection.ChannelRow) [16]byte { return r.Key }))
	if err != nil {
		return nil, fmt.Errorf("locking channels: %w", err)
	}
	byKey := make(map[event.Key]*projection.ChannelRow, len(all))
	for i := range all {
		byKey[all[i].Key] = &all[i]
	}
	var out []projection.ChannelRow
	var key [16]byte
	var stored projection.ChannelRow
	var reading []byte
	var isNew bool
	_, err = pgx.ForEachRow(rows, []any{&key, &stored.Name, &stored.Kind, &stored.Topic, &stored.AsOf, &stored.Event, &reading, &isNew},
		func() error {
			row := stored
			if reading != nil {
				if err := json.Unmarshal(reading, &row.Reading); err != nil {
					return fmt.Errorf("decoding how a channel's name was read: %w", err)
				}
			}
			row.ChannelRef = byKey[key].ChannelRef
			row.Name, row.Topic = n.rereadings.Renames.Apply(key, row.Name), n.rereadings.Renames.Apply(key, row.Topic)
			isRenamed := row.Name != stored.Name || row.Topic != stored.Topic
			if row.Merge(byKey[key]) || isRenamed || isNew || n.force() && byKey[key].Event != nil {
				out = append(out, row)
			}
			stored.AsOf, stored.Event, reading = nil, nil, nil
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("locking channels: %w", err)
	}
	return out, nil
}

func (n *namer) nameIdentities(ctx context.Context, met []projection.IdentityRow) error {
	if len(met) == 0 {
		return nil
	}
	known, err := n.readIdentities(ctx, "identities_read", ids(met, func(r *projection.IdentityRow) [16]byte { return r.Key }))
	if err != nil {
		return err
	}
	var missing, changing []projection.IdentityRow
	for _, m := range met {
		stored, found := known[m.Key]
		if !found {
			missing = append(missing, m)
			changing = append(changing, m)
			continue
		}
		now := stored
		now.Rename(n.rereadings.Renames)
		now.Merge(&m)
		switch {
		case !now.SameNames(&stored) || n.force():
			changing = append(changing, m)
		case !now.SameTimes(&stored):
			n.touched = append(n.touched, now)
		}
	}
	if err := n.ensureIdentities(ctx, missing); err != nil {
		return err
	}
	return n.changeIdentities(ctx, changing)
}

func (n *namer) ensureIdentities(ctx context.Context, missing []projection.IdentityRow) error {
	if len(missing) == 0 {
		return nil
	}
	count := len(missing)
	keys, sources, namespaces, names := make([][16]byte, count), make([]string, count), make([]string, count), make([]string, count)
	for i, m := range missing {
		keys[i], sources[i] = m.Key, projection.Clean(string(m.Source))
		namespaces[i], names[i] = projection.Clean(string(m.Namespace)), projection.Clean(string(m.ID))
	}
	if _, err := n.tx.Exec(ctx, n.sql["identities_ensure"], keys, sources, namespaces, names); err != nil {
		return fmt.Errorf("inserting identities: %w", err)
	}
	return nil
}

// changeIdentities locks rows whose names seem to change, and decides again under the lock.
func (n *namer) changeIdentities(ctx context.Context, changing []projection.IdentityRow) error {
	if len(changing) == 0 {
		return nil
	}
	locked, err := n.readIdentities(ctx, "identities_lock", ids(changing, func(r *projection.IdentityRow) [16]byte { return r.Key }))
	if err != nil {
		return err
	}
	for _, m := range changing {
		stored := locked[m.Key]
		now := stored
		now.Rename(n.rereadings.Renames)
		now.Merge(&m)
		if stored.Placeholder || n.force() || !now.SameNames(&stored) || !now.SameTimes(&stored) {
			now.Source, now.Namespace, now.ID = m.Source, m.Namespace, m.ID
			n.written.identities = append(n.written.identities, now)
		}
	}
	return nil
}

// touch moves the times of unchanged names on. If a name has changed since it was read, the transaction must run again.
func (n *namer) touch(ctx context.Context) error {
	if len(n.touched) == 0 {
		return nil
	}
	count := len(n.touched)
	keys, names, usernames := make([][16]byte, count), make([]string, count), make([]string, count)
	ats, usernameAts := make([]*time.Time, count), make([]*time.Time, count)
	for i, r := range n.touched {
		keys[i], names[i], ats[i], usernames[i], usernameAts[i] = r.Key, r.Name, r.AsOf, r.Username, r.UsernameAt
	}
	var found int
	if err := n.tx.QueryRow(ctx, n.sql["identities_age"], keys, names, ats, usernames, usernameAts).Scan(&found); err != nil {
		return fmt.Errorf("updating when names were shown: %w", err)
	}
	if found != count {
		return errConflict
	}
	return nil
}
