package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/pg"
)

// Mixed is a message with a content key of a minute in which its chat has messages from before some sequence, and messages since.
type Mixed struct {
	Key    string // of the chat, in hexadecimal
	Minute int64  // as clocks showed it, since 1970
	ID     string // external
	Fresh  bool   // it first stood at the sequence or later, in the current incarnation
}

// Mixed returns the messages of all such minutes of the chats. chats are event.Key in hexadecimal.
func (k *Store) Mixed(ctx context.Context, chats []string, from uint64) ([]Mixed, error) {
	incarnation, err := k.reading(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := k.cfg.Pool.Query(ctx, k.sql["mixed"], chats, incarnation, int64(from<<10))
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("looking for messages of one minute: %w", err))
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Mixed])
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("looking for messages of one minute: %w", err))
	}
	return out, nil
}
