package projection

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// Group is what a group of events is about: a message, with the names that its events carry.
type Group struct {
	ChannelRef
	NativeID event.NativeID
	Events   []PendingEvent
	seen     map[event.ID]struct{} // ids of events
	Whole    bool                  // everything that is stored is folded again
	Polls    []PendingEvent        // results of its poll
	Base     *StoredMessage        // the row of a message that is not whole
}

// Add adds an event, unless it is there.
func (g *Group) Add(it PendingEvent) {
	if g.seen == nil {
		g.seen = map[event.ID]struct{}{}
	}
	if _, found := g.seen[it.ID]; !found {
		g.seen[it.ID] = struct{}{}
		g.Events = append(g.Events, it)
	}
}

// StoredMessage is the row of a message that is locked: what a fold needs so as not to read every version again.
type StoredMessage struct {
	Thing       event.ThingID
	Erased      bool
	Versioned   bool // it has a version: no stub
	Revision    event.Revision
	Sent        event.Instant
	AuthorKey   *[16]byte
	Author      string
	AuthorName  string
	Deleted     bool
	DeletedAt   *time.Time
	Accounts    []string
	Incarnation int32
	Position    event.Position
}

// copyTo puts into a new row what follows from the versions that are not read again.
func (s *StoredMessage) copyTo(r *MessageRow) {
	if s == nil {
		return
	}
	r.Sent, r.Deleted, r.Accounts, r.Incarnation, r.Position = s.Sent, s.Deleted, s.Accounts, s.Incarnation, s.Position
	if s.DeletedAt != nil {
		r.DeletedAt.At = s.DeletedAt.UTC()
	}
}

// ChangesAssumedTime reports whether an event has another assumed time than the row: of that one the row does not say who named its zone.
func (s *StoredMessage) ChangesAssumedTime(events []PendingEvent) bool {
	return s.Sent.Assumed && slices.ContainsFunc(events, func(it PendingEvent) bool {
		return it.Kind == event.KindMessage && it.Sent.Assumed && !it.Sent.At.Equal(s.Sent.At)
	})
}

// CurrentVersion is the id of the version that the row shows.
func (s *StoredMessage) CurrentVersion() event.ID { return event.StateID(s.Thing, s.Revision) }

// HidesAuthor reports whether an event that is older than the current version may name the author: which older version named the
// one in the row cannot be decided without reading all.
func HidesAuthor(current *PendingEvent, fresh []PendingEvent) bool {
	return current.Author.IsZero() && slices.ContainsFunc(fresh, func(it PendingEvent) bool {
		return it.Kind == event.KindMessage && !it.Author.IsZero() && event.CompareVersions(it.Event, current.Event) < 0
	})
}

func SetChannel(p ChannelRef, rows []ReactionRow) []ReactionRow {
	for i := range rows {
		rows[i].ChannelRef = p
	}
	return rows
}

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
