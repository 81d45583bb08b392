package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
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
	Offset   int64          `json:"offset"`
	Line     int            `json:"line"`
	Place    place          `json:"place,omitempty"`
	Complete bool           `json:"complete,omitempty"`
	Where    where          `json:"where,omitzero"`
	Exported string         `json:"exported,omitempty"` // when, as the file prints it
	Latest   event.Instant  `json:"latest,omitzero"`    // of all messages
	Before   time.Time      `json:"before,omitzero"`    // when the previous message was sent
	LastID   event.NativeID `json:"last_id,omitempty"`  // of the previous readable message
	Broken   int            `json:"broken,omitempty"`   // records since then that were not
	Messages int            `json:"messages,omitempty"` // records so far, broken ones too
	Promised string         `json:"promised,omitempty"` // how many the file says it has
	Header   string         `json:"header,omitempty"`   // of a table
	Days     []dayMark      `json:"days,omitempty"`     // that the tally remembers
	Seed     string         `json:"seed,omitempty"`     // the day of these that began in the part before
}

// dayMark says where in a table the rows of a printed day begin which the tally counts. The counts themselves may be as many
// as the day has messages: they are counted again instead.
type dayMark struct {
	Day    string `json:"day"`
	Offset int64  `json:"offset"`
	Line   int    `json:"line"`
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

// readCursor reads a cursor for a file of the given size. A file that has grown since its end was reached was exported again:
// it is read anew, and all ids come out as before.
func readCursor(c producers.Cursor, size int64) (state, error) {
	start := state{Line: 1}
	if len(c) == 0 {
		return start, nil
	}
	st := start
	if err := json.Unmarshal(c, &st); err != nil {
		return state{}, fmt.Errorf("reading the cursor of a Discord export: %w", err)
	}
	if st.Offset < 0 || st.Line < 1 {
		return state{}, errors.New("reading the cursor of a Discord export: it points before the start of the file")
	}
	if st.Complete && size > st.Offset {
		return start, nil
	}
	return st, nil
}
