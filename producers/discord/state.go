package discord

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// location is where in the file's structure the next byte stands.
type location string

const (
	atStart    location = ""
	inRoot     location = "root"
	inMessages location = "messages"
	inRows     location = "rows" // of a table
	atEnd      location = "end"
)

// state is all that a session remembers; written out, it is the cursor.
type state struct {
	filekit.Position
	Location location      `json:"place,omitempty"`
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

// about is the channel's topic, after the names of what the channel stands in, which has no other place and without which one
// "general" is like another.
func (w *where) about() string {
	path := w.Guild
	if w.GuildID == "0" { // the exporter's own word for what is no guild
		path = ""
	}
	if w.Parent != "" && path != "" {
		path += " / " + w.Parent
	}
	if w.Topic == "" || path == "" {
		return path + w.Topic
	}
	return path + ": " + w.Topic
}

// kindOf is the channel's type in words that other networks have too.
func kindOf(t string) string {
	switch t {
	case "DirectTextChat":
		return "private"
	case "DirectGroupTextChat", "GuildTextChat":
		return "group"
	case "GuildNews":
		return "channel"
	case "GuildNewsThread", "GuildPublicThread", "GuildPrivateThread":
		return "thread"
	case "GuildVoiceChat", "GuildStageVoice":
		return "voice"
	case "GuildForum":
		return "forum"
	}
	return t
}

// isID reports whether s may be one of Discord's numbers: all of them have as many digits.
func isID(s string) bool { return len(s) >= 15 && len(s) <= 20 && isNumber(s) }

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// split takes the exporter's name of a file apart.
func (w *where) split(name string) {
	parts := strings.Split(name, " - ")
	w.Name = parts[len(parts)-1]
	if len(parts) > 1 {
		w.Guild = parts[0]
	}
	if len(parts) > 2 {
		w.Parent = strings.Join(parts[1:len(parts)-1], " - ")
	}
}

// lastBracket takes the last [thing] out of a name, with what follows it.
func lastBracket(name string) (rest, inside string, ok bool) {
	open := strings.LastIndexByte(name, '[')
	if open < 0 {
		return name, "", false
	}
	shut := strings.IndexByte(name[open:], ']')
	if shut < 0 {
		return name, "", false
	}
	return strings.TrimRight(name[:open], " "), name[open+1 : open+shut], true
}
