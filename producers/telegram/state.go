package telegram

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// place is where in the file's structure the next byte stands.
type place string

const (
	atStart    place = ""
	inRoot     place = "root"     // the outermost object, which may itself be a chat
	inSection  place = "section"  // "chats" or "left_chats"
	inList     place = "list"     // the array of chats in it
	inChat     place = "chat"     // a chat in that array
	inMessages place = "messages" // of the chat, or of the root
	atEnd      place = "end"
)

// state is all that a session remembers; written out, it is the cursor.
type state struct {
	Offset   int64         `json:"offset"`
	Line     int           `json:"line"`
	Indent   int           `json:"indent,omitempty"`
	Place    place         `json:"place,omitempty"`
	InList   bool          `json:"in_list,omitempty"` // the chat is one of an account's
	Account  event.Account `json:"account,omitempty"` // as the file names it
	Complete bool          `json:"complete,omitempty"`
	Chat     chat          `json:"chat,omitzero"`
}

// chat is what is known of the chat that is being read.
type chat struct {
	Peer    string          `json:"peer,omitempty"` // its id as the file has it
	Type    string          `json:"type,omitempty"`
	Name    string          `json:"name,omitempty"`
	NameKey string          `json:"name_key,omitempty"` // in its place in ids, where the name is not UTF-8
	Charset string          `json:"charset,omitempty"`  // of the name
	Channel event.Channel   `json:"channel,omitempty"`  // set when the messages begin
	Old     bool            `json:"old,omitempty"`      // messages of the basic group that it was before were met
	Latest  time.Time       `json:"latest,omitzero"`    // of all messages
	Unnamed time.Time       `json:"unnamed,omitzero"`   // Latest, as it is read where no zone is named; zero: as it is
	Before  time.Time       `json:"before,omitzero"`    // when the previous message was sent
	LastID  event.NativeID  `json:"last_id,omitempty"`  // of the previous readable message
	Broken  int             `json:"broken,omitempty"`   // records since then that were not
	Topics  []string        `json:"topics,omitempty"`   // ids of the messages that opened a topic, sorted
	Start   position        `json:"start,omitzero"`     // of the first message
	Polls   []heldPoll      `json:"polls,omitempty"`    // whose results are not emitted yet
	Tally   producers.Tally `json:"tally,omitzero"`     // for messages without ids

	// Observed is the time of the chat's newest message, read ahead when more polls are held than a cursor should carry.
	Observed        time.Time `json:"observed,omitzero"`
	ObservedUnnamed time.Time `json:"observed_unnamed,omitzero"` // as Unnamed
}

// position is a place in the file.
type position struct {
	Offset int64 `json:"offset"`
	Line   int   `json:"line"`
	Indent int   `json:"indent,omitempty"`
}

func readCursor(c producers.Cursor) (state, error) {
	st := state{Line: 1}
	if len(c) == 0 {
		return st, nil
	}
	if err := json.Unmarshal(c, &st); err != nil {
		return state{}, fmt.Errorf("reading the cursor of a Telegram export: %w", err)
	}
	if st.Offset < 0 || st.Line < 1 {
		return state{}, errors.New("reading the cursor of a Telegram export: it points before the start of the file")
	}
	return st, nil
}

func (s *session) cursor() (producers.Cursor, error) {
	st := s.state
	st.Offset, st.Line, st.Indent = s.scan.Offset(), s.scan.Line(), s.scan.Indent()
	b, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("writing the cursor: %w", err)
	}
	return b, nil
}

func (c *chat) addTopic(id string) {
	if i, known := slices.BinarySearch(c.Topics, id); !known {
		c.Topics = slices.Insert(c.Topics, i, id)
	}
}

func (c *chat) isTopic(id string) bool {
	_, known := slices.BinarySearch(c.Topics, id)
	return known
}

// nameKey is the name as ids have it, which does not depend on the charset that it was read in.
func (c *chat) nameKey() string { return cmp.Or(c.NameKey, c.Name) }

// shared reports whether the chat's messages are numbered for all accounts alike.
func (c *chat) shared() bool {
	return strings.HasSuffix(c.Type, "_supergroup") || strings.HasSuffix(c.Type, "_channel")
}

// channelID brings the chat's id to the form that authors' ids have, with its type in it, since the numbers of users, groups
// and channels overlap.
func (c *chat) channelID() event.Channel {
	id := c.Peer
	if c.Peer == "" {
		if c.Name == "" {
			return "unnamed"
		}
		return event.Channel("name:" + c.nameKey())
	}
	if !isNumber(strings.TrimPrefix(id, "-")) {
		return event.Channel(id)
	}
	if bare, ok := botChannel(id); ok {
		return event.Channel("channel" + bare)
	}
	id = strings.TrimPrefix(id, "-")
	switch {
	case c.shared():
		if bare, ok := lowered(id, oldChannels); ok {
			id = bare
		}
		return event.Channel("channel" + id)
	case c.Type == "private_group":
		if bare, ok := lowered(id, oldGroups); ok {
			id = bare
		}
		return event.Channel("chat" + id)
	case slices.Contains(chatTypes(), c.Type):
		return event.Channel("user" + id)
	}
	return event.Channel("peer" + id)
}

// kind is the chat's type in words that other networks have too.
func (c *chat) kind() string {
	switch c.Type {
	case "personal_chat":
		return "private"
	case "bot_chat":
		return "bot"
	case "saved_messages", "replies", "verification_codes":
		return "saved"
	case "private_group", "private_supergroup", "public_supergroup":
		return "group"
	case "private_channel", "public_channel":
		return "channel"
	}
	return c.Type
}
