// Package export holds what the JSON and the HTML exports of Telegram Desktop have in common: chats and their ids, people, times, links, the
// files beside an export, and what is reported of all of them.
//
// It promises that both formats give the same ids where they say the same, whatever zone or charset is named. It reads no message: packages
// jsonexport and htmlexport do.
package export

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// Chat is what is known of the chat that is being read.
type Chat struct {
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
	Start   Position        `json:"start,omitzero"`     // of the first message
	Polls   []HeldPoll      `json:"polls,omitempty"`    // whose results are not emitted yet
	Tally   producers.Tally `json:"tally,omitzero"`     // for messages without ids

	// Observed is the time of the chat's newest message, read ahead when more polls are held than a cursor should carry.
	Observed        time.Time `json:"observed,omitzero"`
	ObservedUnnamed time.Time `json:"observed_unnamed,omitzero"` // as Unnamed
}

// AddTopic notes that a message opened a topic.
func (c *Chat) AddTopic(id string) {
	if i, known := slices.BinarySearch(c.Topics, id); !known {
		c.Topics = slices.Insert(c.Topics, i, id)
	}
}

// IsTopic reports whether a message opened a topic.
func (c *Chat) IsTopic(id string) bool {
	_, known := slices.BinarySearch(c.Topics, id)
	return known
}

// KeyName is the name as ids have it, which does not depend on the charset that it was read in.
func (c *Chat) KeyName() string { return cmp.Or(c.NameKey, c.Name) }

// Shared reports whether the chat's messages are numbered for all accounts alike.
func (c *Chat) Shared() bool {
	return strings.HasSuffix(c.Type, "_supergroup") || strings.HasSuffix(c.Type, "_channel")
}

// ChannelID brings the chat's id to the form that authors' ids have, with its type in it, since the numbers of users, groups
// and channels overlap.
func (c *Chat) ChannelID() event.Channel {
	id := c.Peer
	if c.Peer == "" {
		if c.Name == "" {
			return "unnamed"
		}
		return event.Channel("name:" + c.KeyName())
	}
	if !IsNumber(strings.TrimPrefix(id, "-")) {
		return event.Channel(id)
	}
	if bare, ok := botChannel(id); ok {
		return event.Channel("channel" + bare)
	}
	id = strings.TrimPrefix(id, "-")
	switch {
	case c.Shared():
		if bare, ok := lowered(id, oldChannels); ok {
			id = bare
		}
		return event.Channel("channel" + id)
	case c.Type == "private_group":
		if bare, ok := lowered(id, oldGroups); ok {
			id = bare
		}
		return event.Channel("chat" + id)
	case slices.Contains(ChatTypes(), c.Type):
		return event.Channel("user" + id)
	}
	return event.Channel("peer" + id)
}

// Kind is the chat's type in words that other networks have too.
func (c *Chat) Kind() string {
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

// Position is a place in the file.
type Position struct {
	Offset int64 `json:"offset"`
	Line   int   `json:"line"`
	Indent int   `json:"indent,omitempty"`
}

// Revision is of what the chat is called at its end, whichever zone a user names.
func (c *Chat) Revision() event.Revision {
	return event.RevisionAt(ChangedAt(c.Latest, c.Unnamed))
}

// ChatTypes are the exporter's names of what a chat may be; no other format uses them.
func ChatTypes() []string {
	return []string{
		"personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes", "private_group",
		"private_supergroup", "public_supergroup", "private_channel", "public_channel",
	}
}

// Set takes a member of the chat's object: its name, type or id.
func (c *Chat) Set(name string, value Text) {
	switch name {
	case "name":
		c.Name, c.NameKey, c.Charset = value.Text, value.Key, value.Charset
	case "type":
		c.Type = value.Text
	case "id":
		c.Peer = value.Text
	}
}

// HeldPoll is a poll whose results wait for the end of the chat: the export does not say when it was made, and the time of its
// newest message is the latest at which the results were surely not yet different.
type HeldPoll struct {
	Namespace event.Namespace `json:"namespace"`
	ID        event.NativeID  `json:"id"`
	Poll      event.Poll      `json:"poll"`
	Key       *event.Poll     `json:"key,omitempty"` // as ids have it, where the record is not UTF-8
	Charset   string          `json:"charset,omitempty"`
}
