// Package producers is the contract of a chat source, and nothing else.
//
// A source turns what a network says into events. It promises ids that are derived from the network's own words and a
// cursor after every batch from which it resumes without losing anything. It never sleeps, retries, or touches the bus:
// the runner in internal/ingest owns reconnecting, publishing and cursors.
package producers

import (
	"context"
	"io"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// Cursor is where a source resumes: opaque to everyone but the source that made it. Empty means the start.
type Cursor []byte

// Source can be connected to. It holds no connection itself, so it may be connected again after any error.
type Source interface {
	// Connect opens a session that goes on after from. The runner calls it, one session at a time. It may block until ctx
	// ends. An unmarked error is transient; a cursor that cannot be read is fatal.
	Connect(ctx context.Context, from Cursor) (Session, error)
}

// Session is one connection, or one reading of an archive.
type Session interface {
	// Next blocks until there is something, ctx ends, or the session breaks. io.EOF (alone, without a batch) says that an
	// archive is at its end; a live source never returns it. After any error the session is only good for Close.
	// The caller owns the batch and all that it holds.
	Next(ctx context.Context) (Batch, error)
	// Close releases everything, waits for every goroutine of the session, and may be called more than once.
	Close() error
}

// Batch is what happened, and where to resume after it. Events are sealed, in the order of the network.
// A batch of an archive has a few hundred events, one of a live source as many as are there.
type Batch struct {
	Events  []event.Event // may be empty where only the cursor or the counts moved on
	Cursor  Cursor
	Counts  Counts
	Notices Notices
}

// Notice is something that a source assumed, guessed, joined, left out or could not place, which a user should know of. The runner
// adds up notices that are equal but for Count. Of events whose Sent or Reading says what was assumed (the zone, the order of day and month,
// the charset) the runner makes the notice itself.
type Notice struct {
	Code   string // stable, for scripts: words with hyphens, such as channel-from-path
	Text   string // for a person: one sentence that is the same for every such record, without the count
	Option string // what settles it, as it is typed, such as --channel; empty: nothing does
	Count  int    // of records concerned, at least 1
}

// Notices are those of a batch, each once.
type Notices []Notice

// Add adds a notice, or its count to that of an equal one.
func (s *Notices) Add(n Notice) {
	for i := range *s {
		if o := &(*s)[i]; o.Code == n.Code && o.Text == n.Text && o.Option == n.Option {
			o.Count += n.Count
			return
		}
	}
	*s = append(*s, n)
}

// SharedError is an error that all files of one export have alike, such as an option that was not given: it is reported once.
type SharedError struct {
	Export string // what is the same for the files of one export: its folder
	Err    error
}

// Error implements error.
func (e *SharedError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *SharedError) Unwrap() error { return e.Err }

// Counts says how a batch's input was understood; the runner adds them up.
type Counts struct {
	Read      int   // records of input: messages, lines, whatever the format counts in
	Unparsed  int   // of these, kept as unparsed events
	Ambiguous int   // of these, with a content key that another record may share
	Bytes     int64 // of input
}

// Add adds d.
func (c *Counts) Add(d Counts) {
	c.Read += d.Read
	c.Unparsed += d.Unparsed
	c.Ambiguous += d.Ambiguous
	c.Bytes += d.Bytes
}

// File is a file that somebody wants read.
type File struct {
	Path string // as named by the user, slashes forward; folders in it may name network and channel
	Head []byte // its first HeadSize bytes, or all of it
	Size int64
	Open func() (io.ReadCloser, error)
	// Beside opens another file of the same export, a folder or a zip, by its path from this one's folder, slashes forward.
	// What is not there, or outside of the export, is an error; nil where there is nothing beside the file.
	Beside func(rel string) (io.ReadCloser, error)
}

// HeadSize is how much of a file is read to recognise it: more than any export's preamble.
const HeadSize = 64 << 10

// Confidence says how sure a source is that a file is its export.
type Confidence int

// Confidences, rising. The surest source reads a file; Possible is taken only if nobody is surer.
const (
	No Confidence = iota
	Possible
	Likely
	Certain
)

// Options are what a user says about an archive that it does not say itself. All may be empty.
type Options struct {
	Account   event.Account   // whose export it is
	Namespace event.Namespace // the network or workspace
	Channel   event.Channel
	Zone      *time.Location // in which times without a zone are read; nil: not named
	Charset   string         // of text that is not UTF-8, as internal/charset names it; empty: it is guessed
	DateOrder DateOrder      // of dates whose day and month could be either way round; empty: the file decides, or it is guessed
}

// DateOrder says which number of a printed date is which.
type DateOrder string

// The orders that a user may name.
const (
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
	YearFirst  DateOrder = "ymd"
)

// Definition is all that the rest of the house knows of a source.
type Definition struct {
	Name   event.Source
	Title  string // as people call it
	Doc    string // a sentence or two: where the export comes from, what it can and cannot carry
	Sample string // YAML of one live source of this kind, as it stands in the configuration; empty without live
	Can    Abilities

	// Recognise says how sure the source is that f is its export; nil without archives. It reads Head and Path,
	// and may look for what lies beside the file.
	Recognise func(f File) Confidence
	// Unreadable says of a file that no source recognises what it is, if this source knows, and what to do to have it read; empty if it
	// does not. Nil: it knows of none.
	Unreadable func(f File) string
	// Ordered reports whether f is one of the parts of an export whose times are too coarse to order messages: those of one folder are read
	// one after another, in natural order. nil: none is.
	Ordered func(f File) bool
	// Belongs reports whether a file that no source recognises is a part of this source's exports: rel is its path from the export's
	// folder, or from one below or above it, slashes forward. Pictures, sounds, documents and styles beside and below a file that the source
	// reads need not be named. Optional.
	Belongs func(rel string) bool
	// Archive makes a source that reads f. Called only with files that Recognise knows or that the user named it for.
	Archive func(f File, o Options) (Source, error)
	// Live makes a live source. decode fills a struct with yaml tags from the source's configuration and refuses unknown
	// keys. A configuration that makes no sense is an error that says which key and what would do.
	Live func(decode func(into any) error) (Source, error)
}

// Abilities is what a source can do.
type Abilities struct {
	Live, Archive, Backfill, Edits, Deletions, Reactions bool
}
