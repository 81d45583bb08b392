package importer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
)

// MaxListed is how many unread records, skipped files and files of a notice are listed for a person: an export may have thousands of pictures.
const MaxListed = 20

// Report is the result of an import. Scripts rely on the names in its JSON.
type Report struct {
	Files              int               `json:"files"`
	Read               int               `json:"read"`           // records of input
	Events             int               `json:"events"`         // made of the records: published, stored before and, in a dry run, neither
	Published          int               `json:"published"`      // events acknowledged by the bus
	Known              int               `json:"known"`          // events that PostgreSQL held already, and that were not published
	Stored             int64             `json:"stored"`         // different events of those published, in PostgreSQL
	Updated            int64             `json:"updated"`        // different events that were stored before and that this import completed or corrected
	Already            int64             `json:"already_stored"` // events published that another message had stored
	Dead               int64             `json:"dead_lettered"`  // events published that could not be stored
	Facts              int64             `json:"facts"`          // states that came of them, in ClickHouse
	Unparsed           int               `json:"unparsed"`
	Ambiguous          int               `json:"ambiguous"`
	Overlapping        int               `json:"overlapping"`             // messages that may be stored twice: see the notices overlap-*
	Resumed            int               `json:"resumed,omitempty"`       // records that an import which was stopped had read, and this one did not
	Rejected           int               `json:"rejected,omitempty"`      // records and files that could not be read
	Rejects            string            `json:"rejected_file,omitempty"` // lists them, a line each
	Seconds            float64           `json:"seconds"`
	DryRun             bool              `json:"dry_run,omitempty"`
	PerChat            []ChatReport      `json:"per_chat"`
	PerFile            []FileReport      `json:"per_file"`
	Notices            []Notice          `json:"notices,omitempty"` // what was assumed, guessed, joined or left out
	Places             []ingest.Place    `json:"unparsed_places,omitempty"`
	Causes             []DeadLetterCause `json:"dead_letter_causes,omitempty"`
	Unstored           uint64            `json:"unstored_sequences,omitempty"` // messages that were removed from CHAT before they were stored
	Skipped            []files.Skipped   `json:"skipped,omitempty"`
	Belonging          int               `json:"export_files"`                    // files that no source reads by themselves, but that belong to the exports: media, styles, lists
	AmbiguousElsewhere int               `json:"ambiguous_not_by_chat,omitempty"` // of ambiguous, those that no chat of per_chat counts: of batches of several chats
}

// ChatReport is what became of one chat.
type ChatReport struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	Name      string `json:"name,omitempty"`
	Read      int    `json:"read"` // events: the same as the next, under the name that it had first
	Events    int    `json:"events"`
	Published int    `json:"published"`
	Known     int    `json:"known"`
	Stored    int64  `json:"stored"`
	Updated   int64  `json:"updated"`
	Facts     int64  `json:"facts"`
	Unparsed  int    `json:"unparsed"`
	Ambiguous int    `json:"ambiguous"`
}

// chat is the chat in the terms of ingest.
func (r *ChatReport) chat() ingest.Chat { return chatOf(r.Source, r.Namespace, r.Channel) }

// FileReport is what became of one file.
type FileReport struct {
	Path      string  `json:"path"`
	Source    string  `json:"source"`
	Read      int     `json:"read"`
	Published int     `json:"published"`
	Known     int     `json:"known"`
	Unparsed  int     `json:"unparsed"`
	Resumed   int     `json:"resumed,omitempty"` // as above
	Error     string  `json:"error,omitempty"`
	Seconds   float64 `json:"seconds"`
}

// DeadLetterCause is why events of an import are dead letters.
type DeadLetterCause struct {
	Cause  string            `json:"cause"`
	Events int64             `json:"events"`
	First  []DeadLetterEvent `json:"first"` // a few of them
}

// DeadLetterEvent is one of them, as agrichat dlq list shows it.
type DeadLetterEvent struct {
	Position string `json:"position"`
	EventID  string `json:"event_id"`
	Subject  string `json:"subject"`
}

// DeadLetterHint says what to do about dead letters.
const DeadLetterHint = "agrichat dlq list shows them, agrichat dlq requeue stores them once their cause is fixed"

// finish fills in the report what does not come from the stores.
func (i *Importer) finish() {
	r := &i.report
	r.Read, r.Published, r.Known = i.result.Read, i.result.Published, i.result.Known
	r.Unparsed, r.Ambiguous, r.Places = i.result.Unparsed, i.result.Ambiguous, i.result.Places
	r.Notices = slices.Concat(i.notices, i.overlaps.copies, i.overlaps.found).sorted()
	r.Overlapping = i.overlaps.messages
	r.Skipped, r.Belonging = i.in.Skipped()
	r.Seconds = time.Since(i.Began).Seconds()
	if r.PerChat == nil {
		i.count(nil)
	}
	r.Events, r.AmbiguousElsewhere = 0, r.Ambiguous
	for n := range r.PerChat {
		c := &r.PerChat[n]
		c.Events = c.Read
		r.Events += c.Events
		r.AmbiguousElsewhere -= c.Ambiguous
	}
}

// count counts by chat what was read, and what of it is stored.
func (i *Importer) count(stored []normalise.ImportCounts) {
	chats := map[ingest.Chat]*ChatReport{}
	at := func(c ingest.Chat) *ChatReport {
		r := chats[c]
		if r == nil {
			r = &ChatReport{Source: string(c.Source), Namespace: string(c.Namespace), Channel: string(c.Channel)}
			chats[c] = r
		}
		return r
	}
	for c, n := range i.result.Chats {
		r := at(c)
		r.Read, r.Published, r.Known, r.Unparsed, r.Ambiguous = n.Read, n.Published, n.Known, n.Unparsed, n.Ambiguous
	}
	i.report.Stored, i.report.Facts, i.report.Updated = 0, 0, 0
	for _, n := range stored {
		i.report.Stored += n.Stored
		i.report.Facts += n.Facts
		i.report.Updated += n.Updated
		r := at(chatOf(n.Source, n.Namespace, n.Channel))
		r.Name, r.Stored, r.Facts, r.Updated = n.Name, n.Stored, n.Facts, n.Updated
	}
	i.report.PerChat = sortedChats(chats)
}

func chatOf(source, namespace, channel string) ingest.Chat {
	return ingest.Chat{Source: event.Source(source), Namespace: event.Namespace(namespace), Channel: event.Channel(channel)}
}

func sortedChats(chats map[ingest.Chat]*ChatReport) []ChatReport {
	out := make([]ChatReport, 0, len(chats))
	for _, r := range chats {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b ChatReport) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(b.Read, a.Read),
			cmp.Compare(a.Channel, b.Channel))
	})
	return out
}

// incomplete is an error if not everything that was published is stored.
func (r *Report) incomplete() error {
	var errs []error
	switch {
	case r.Dead == 1:
		errs = append(errs, errors.New("1 event of this import was dead-lettered; "+DeadLetterHint))
	case r.Dead > 1:
		errs = append(errs, fmt.Errorf("%d events of this import were dead-lettered; %s", r.Dead, DeadLetterHint))
	}
	if r.Unstored > 0 {
		errs = append(errs, fmt.Errorf("%d messages of this import were removed from the stream CHAT before they were stored; import the same again", r.Unstored))
	}
	return errors.Join(errs...)
}
