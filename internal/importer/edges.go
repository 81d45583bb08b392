package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
)

// chatsPerQuery bounds the size of a query.
const chatsPerQuery = 1000

// edges notes messages before the first and after the last one that an export has in common with the store and that are stored twice: at the end of
// an export nothing follows that would show that they differ, and exports do hold more than the store. But an export
// holds a whole run of messages. So where it brought something new to a minute of which the store has something that is not in it, and
// shares other messages with the store, one is a duplicate of the other: edited and deleted messages keep their minute.
func (o *overlapCheck) edges(ctx context.Context, store *normalise.Store, first uint64, s overlapScope) error {
	type minute struct {
		key string
		at  int64
	}
	lacked, brought := map[minute]int{}, map[minute]int{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(s.held)), chatsPerQuery) {
		mixed, err := store.Reports().Mixed(ctx, part, first)
		if err != nil {
			return err
		}
		for _, m := range mixed {
			held, at := s.held[m.Key], minute{m.Key, m.Minute}
			switch holds, fresh := held.Has(event.NativeID(m.ID)); {
			case !holds:
				lacked[at]++
			case m.Fresh && fresh:
				brought[at]++
			}
		}
	}
	counts := map[string]int{}
	for at, n := range lacked {
		counts[at.key] += min(n, brought[at])
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[key]; n > 0 {
			o.duplicates(noticeOverlapNew, fmt.Sprintf("messages of chat %q are stored with others of the same minute that an earlier import brought and that this "+
				"export lacks: edited or deleted between the exports, cut at the end of one, or their author renamed", s.chats.title(key)), "", n)
		}
	}
	return nil
}
