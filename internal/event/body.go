package event

import "cmp"

// Body is what an event carries; which type it has follows from the kind.
type Body interface{ kind() Kind }

// MessageType is how a message is meant to be shown.
type MessageType string

// The types of message.
const (
	TypeMessage MessageType = "message"
	TypeAction  MessageType = "action"  // an IRC /me
	TypeService MessageType = "service" // sent by the network, not by a person
)

// Message is the state of a message at a revision: the full state, never a difference.
type Message struct {
	Type        MessageType       `json:"type"`
	Text        string            `json:"text,omitempty"`
	Edited      Instant           `json:"edited,omitzero"`
	ReplyTo     *Ref              `json:"reply_to,omitempty"`
	Thread      NativeID          `json:"thread,omitempty"` // the first message of the thread or topic
	Forward     *Forward          `json:"forward,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Mentions    []Person          `json:"mentions,omitempty"`
	Links       []string          `json:"links,omitempty"`    // targets that the text does not show; others are found in it
	Hashtags    []string          `json:"hashtags,omitempty"` // without the sign; others are found in the text
	Poll        *Poll             `json:"poll,omitempty"`
	Service     *Service          `json:"service,omitempty"`
	Details     map[string]string `json:"details,omitempty"` // what has no field of its own: location, contact, via_bot
}

// DetailLinksStated is set on a message whose links hold all that its source marks in the text, because text that is no part
// of a link touches one: a scan of the text would not find the link's end.
const DetailLinksStated = "links_stated"

// Ref points at a message; an empty channel or namespace is the event's own.
type Ref struct {
	Namespace Namespace `json:"namespace,omitempty"`
	Channel   Channel   `json:"channel,omitempty"`
	NativeID  NativeID  `json:"native_id"`
}

// Forward is where a message was forwarded from, as far as the network reports it.
type Forward struct {
	From     Person   `json:"from,omitzero"`
	Channel  Channel  `json:"channel,omitempty"`
	NativeID NativeID `json:"native_id,omitempty"`
	Sent     Instant  `json:"sent,omitzero"`
}

// Attachment is what is known of a file: never its content.
type Attachment struct {
	Kind     string  `json:"kind"` // photo, video, audio, voice, sticker, animation, file, ...
	Name     string  `json:"name,omitempty"`
	Path     string  `json:"path,omitempty"`   // as the export has it, relative to it
	SHA256   string  `json:"sha256,omitempty"` // hexadecimal, where the export holds the file
	URL      string  `json:"url,omitempty"`
	MIME     string  `json:"mime,omitempty"`
	Bytes    int64   `json:"bytes,omitempty"`
	Width    int     `json:"width,omitempty"`
	Height   int     `json:"height,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"`
	Missing  string  `json:"missing,omitempty"` // why the export does not hold the file
	NativeID string  `json:"native_id,omitempty"`
}

// Poll is the state of a poll.
type Poll struct {
	Question string       `json:"question"`
	Options  []PollOption `json:"options"`
	Voters   int          `json:"voters,omitempty"`
	Closed   bool         `json:"closed,omitempty"`
}

// PollResults is what an export shows of a poll; it was true at Sent. The latest results are shown with the message Target.
type PollResults struct {
	Target NativeID `json:"target"`
	Poll   Poll     `json:"poll"`
}

// PollOption is one answer of a poll.
type PollOption struct {
	Text  string `json:"text"`
	Votes int    `json:"votes"`
}

// Standard actions of service messages; the network's own name is in Service.Native.
const (
	ActionJoin   = "join"   // Members, or else the author, came
	ActionLeave  = "leave"  // Members, or else the author, left
	ActionKick   = "kick"   // Members were removed by the author
	ActionInvite = "invite" // Members were brought in by the author: they are in
	ActionBan    = "ban"
	ActionCreate = "create"
	ActionRename = "rename" // the author is now called Text
	ActionTitle  = "title"  // the channel is now called Text
	ActionTopic  = "topic"  // the channel's topic is now Text
	ActionPin    = "pin"    // the message Target was pinned
	ActionMode   = "mode"
	ActionCall   = "call"
	ActionNotice = "notice" // sent by a server or a bot to everyone
	ActionOther  = "other"
)

// Service is what a service message reports.
type Service struct {
	Action  string   `json:"action"`
	Native  string   `json:"native,omitempty"` // the network's own name of the action
	Members []Person `json:"members,omitempty"`
	Target  NativeID `json:"target,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// Deletion reports that the message with the event's native id was deleted at Sent; the author is who deleted it, if known.
type Deletion struct {
	Reason string `json:"reason,omitempty"`
}

// Reaction reports that the author set, or took back, an emoji on a message at Sent.
type Reaction struct {
	Target  NativeID `json:"target"`
	Emoji   string   `json:"emoji"`
	Removed bool     `json:"removed,omitempty"`
}

// Reactions is what an export shows of the reactions to a message; it was true at Sent.
type Reactions struct {
	Target NativeID         `json:"target"`
	Counts []ReactionCount  `json:"counts,omitempty"`
	People []ReactionPerson `json:"people,omitempty"`
	// Complete means that People names everyone who reacted: a reaction from before Sent that is not in it was removed.
	Complete bool `json:"complete,omitempty"`
}

// ReactionCount is how many people reacted with an emoji.
type ReactionCount struct {
	Emoji string `json:"emoji"`
	Count int    `json:"count"`
}

// ReactionPerson is one known person among those who reacted.
type ReactionPerson struct {
	Person Person  `json:"person"`
	Emoji  string  `json:"emoji"`
	Sent   Instant `json:"sent,omitzero"`
}

// The states of a membership.
const (
	MemberJoined = "joined"
	MemberLeft   = "left"
	MemberBanned = "banned"
)

// Membership reports that the author's membership of the channel changed at Sent.
type Membership struct {
	State  string `json:"state"`
	By     Person `json:"by,omitzero"`
	Reason string `json:"reason,omitempty"`
}

// ChannelInfo is what a channel is called; it was true at Sent, and the latest one wins.
type ChannelInfo struct {
	Name  string `json:"name,omitempty"`
	Type  string `json:"type,omitempty"` // private, group, channel, saved, bot, ...
	Topic string `json:"topic,omitempty"`
}

// Identity is what the event's author is called; it was true at Sent.
type Identity struct {
	Username string `json:"username,omitempty"`
}

// Unparsed is input that could not be read; Event.Raw holds its bytes.
type Unparsed struct {
	Reason string `json:"reason"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`   // from 1; 0 where lines mean nothing
	Offset int64  `json:"offset,omitempty"` // bytes from the start of the file
}

func (*Message) kind() Kind     { return KindMessage }
func (*Deletion) kind() Kind    { return KindDeletion }
func (*Reaction) kind() Kind    { return KindReaction }
func (*Reactions) kind() Kind   { return KindReactions }
func (*PollResults) kind() Kind { return KindPoll }
func (*Membership) kind() Kind  { return KindMembership }
func (*ChannelInfo) kind() Kind { return KindChannel }
func (*Identity) kind() Kind    { return KindIdentity }
func (*Unparsed) kind() Kind    { return KindUnparsed }

// newBody returns an empty body of the type that events of the kind have; nil for an unknown kind.
func newBody(k Kind) Body {
	switch k {
	case KindMessage:
		return new(Message)
	case KindDeletion:
		return new(Deletion)
	case KindReaction:
		return new(Reaction)
	case KindReactions:
		return new(Reactions)
	case KindPoll:
		return new(PollResults)
	case KindMembership:
		return new(Membership)
	case KindChannel:
		return new(ChannelInfo)
	case KindIdentity:
		return new(Identity)
	case KindUnparsed:
		return new(Unparsed)
	}
	return nil
}

// WithoutResults is the poll as it was asked: question and options.
func (p *Poll) WithoutResults() *Poll {
	out := &Poll{Question: p.Question}
	if p.Options != nil {
		out.Options = make([]PollOption, len(p.Options))
	}
	for i, o := range p.Options {
		out.Options[i].Text = o.Text
	}
	return out
}

// Compare orders results of one poll that are not ordered by a time: a closed poll does not open again, and votes are seldom
// taken back.
func (p *Poll) Compare(o *Poll) int {
	closed := func(p *Poll) int {
		if p.Closed {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(closed(p), closed(o)), cmp.Compare(p.votes(), o.votes()), cmp.Compare(p.Voters, o.Voters))
}

func (p *Poll) votes() (n int) {
	for _, o := range p.Options {
		n += o.Votes
	}
	return n
}
