package discord

import (
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// place is where in the file's structure the next byte stands.
type place string

const (
	atStart    place = ""
	inRoot     place = "root"
	inMessages place = "messages"
	inRows     place = "rows" // of a table
	atEnd      place = "end"
)

// state is all that a session remembers; written out, it is the cursor.
type state struct {
	filekit.Position
	Place    place         `json:"place,omitempty"`
	Complete bool          `json:"complete,omitempty"`
	Where    where         `json:"where,omitzero"`
	Exported string        `json:"exported,omitempty"` // when, as the file prints it
	Latest   event.Instant `json:"latest,omitzero"`    // of all messages
	Before   time.Time     `json:"before,omitzero"`    // when the previous message was sent
	filekit.Last
	Messages int       `json:"messages,omitempty"` // records so far, broken ones too
	Promised string    `json:"promised,omitempty"` // how many the file says it has
	Header   string    `json:"header,omitempty"`   // of a table
	Days     []dayMark `json:"days,omitempty"`     // that the tally remembers
	Seed     string    `json:"seed,omitempty"`     // the day of these that began in the part before
}

// dayMark says where in a table the rows of a printed day begin which the tally counts. The counts themselves may be as many
// as the day has messages: they are counted again instead.
type dayMark struct {
	Day string `json:"day"`
	filekit.Position
}

// where is what is known of the channel that is being read.
type where struct {
	Namespace event.Namespace `json:"namespace,omitempty"`
	Channel   event.Channel   `json:"channel,omitempty"`
	Name      string          `json:"name,omitempty"`
	Type      string          `json:"type,omitempty"` // in the exporter's words
	Topic     string          `json:"topic,omitempty"`
	GuildID   string          `json:"guild_id,omitempty"`
	Guild     string          `json:"guild,omitempty"`
	Parent    string          `json:"parent,omitempty"` // the category, or the channel that a thread is of
	Raw       string          `json:"raw,omitempty"`    // as the file has it
	Charset   string          `json:"charset,omitempty"`
	Bytes     []byte          `json:"bytes,omitempty"` // in place of Raw where the file is not UTF-8
	Keyed     *where          `json:"keyed,omitempty"` // as ids take it; nil: as it stands
}

// readCursor reads a cursor for a file. A file that has grown since its end was reached was exported again: it is read anew, and all ids
// come out as before.
func readCursor(c producers.Cursor, f producers.File) (state, error) {
	start := state{Position: filekit.Start()}
	st, err := filekit.DecodeCursor(f, c, start, state.Valid)
	if err == nil && st.Complete && f.Size > st.Offset {
		return start, nil
	}
	return st, err
}
