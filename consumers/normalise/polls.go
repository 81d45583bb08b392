package normalise

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/agrichat/agrichat/internal/event"
)

// latestPoll is the poll of a message as its latest results show it; that of the message itself if there are none. Results say
// nothing of a message whose current version has no poll.
func latestPoll(poll *event.Poll, results []PendingEvent) *event.Poll {
	if poll == nil || len(results) == 0 {
		return poll
	}
	latest := slices.MaxFunc(results, comparePolls)
	return &latest.Body.(*event.PollResults).Poll
}

// comparePolls puts the later results last: by instant, then by what they say, then by id.
func comparePolls(a, b PendingEvent) int {
	x, y := a.Body.(*event.PollResults), b.Body.(*event.PollResults)
	return cmp.Or(a.Sent.At.Compare(b.Sent.At), x.Poll.Compare(&y.Poll), bytes.Compare(a.ID[:], b.ID[:]))
}

// HasPoll reports whether a version that may be the current one has a poll.
func (g *Group) HasPoll() bool {
	return slices.ContainsFunc(g.Events, func(it PendingEvent) bool {
		m, is := it.Body.(*event.Message)
		return is && m.Poll != nil
	})
}

// AddPoll adds the results of a poll, unless they are there.
func (g *Group) AddPoll(it PendingEvent) {
	if !slices.ContainsFunc(g.Polls, func(p PendingEvent) bool { return p.ID == it.ID }) {
		g.Polls = append(g.Polls, it)
	}
}

// addPolls adds the stored results to every group whose message may show them.
func (w *work) addPolls(ctx context.Context, groups map[event.ThingID]*Group) error {
	var keys [][16]byte
	for t, g := range groups {
		if g.HasPoll() {
			keys = append(keys, t)
		}
	}
	stored, err := w.events(ctx, "events_polls", sortedKeys(keys))
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.TargetID].AddPoll(it)
	}
	return nil
}
