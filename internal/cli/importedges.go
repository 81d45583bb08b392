package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
)

// chatsAtOnce bounds the size of a question.
const chatsAtOnce = 1000

// edges says which messages before the first and after the last one that an export has in common with the record stand twice: at the end of
// an export nothing follows that would show that they differ, and that it holds more than the record is what exports do. But an export
// holds a whole run of messages. So where it brought something new to a minute of which the record has something that it lacks, and
// shares other messages with the record, one stands for the other: edited and deleted messages keep their minute.
func (i *importing) edges(ctx context.Context, held map[string]ingest.Held, named map[string]chatReport) error {
	first, _ := i.result.Sequences.Bounds()
	if len(held) == 0 || first == 0 {
		return nil
	}
	k, err := i.openKeeper(ctx)
	if err != nil {
		return err
	}
	type minute struct {
		key string
		at  int64
	}
	lacked, brought := map[minute]int{}, map[minute]int{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(held)), chatsAtOnce) {
		mixed, err := k.Mixed(ctx, part, first)
		if err != nil {
			return err
		}
		for _, m := range mixed {
			h, at := held[m.Key], minute{m.Key, m.Minute}
			switch holds, fresh := h.Has(event.NativeID(m.ID)); {
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
		if c, n := named[key], counts[key]; n > 0 {
			i.doubt(noticeOverlapNew, fmt.Sprintf("messages of chat %q stand beside others of the same minute that an earlier import brought and that this "+
				"export lacks: edited or deleted between the exports, cut at the end of one, or their author renamed", cmp.Or(c.Name, c.Channel)), "", n)
		}
	}
	return nil
}
