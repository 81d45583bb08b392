package slack

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

// record is a message as an export has it, as far as something is made of it.
type record struct {
	Type        plain            `json:"type"`
	Subtype     plain            `json:"subtype"`
	TS          plain            `json:"ts"`
	User        plain            `json:"user"`
	BotID       plain            `json:"bot_id"`
	Username    plain            `json:"username"`
	Text        plain            `json:"text"`
	ThreadTS    plain            `json:"thread_ts"`
	LatestReply plain            `json:"latest_reply"`
	Replies     list[reply]      `json:"replies"`
	Edited      one[edit]        `json:"edited"`
	Profile     one[profile]     `json:"user_profile"`
	BotProfile  one[profile]     `json:"bot_profile"`
	Reactions   list[reaction]   `json:"reactions"`
	Files       list[file]       `json:"files"`
	File        one[file]        `json:"file"` // until 2018
	Comment     one[comment]     `json:"comment"`
	Attachments list[attachment] `json:"attachments"`
	Topic       plain            `json:"topic"`
	Purpose     plain            `json:"purpose"`
	Name        plain            `json:"name"`
	OldName     plain            `json:"old_name"`
	Inviter     plain            `json:"inviter"`
	Item        one[item]        `json:"item"`
	DeletedTS   plain            `json:"deleted_ts"`
	Message     one[record]      `json:"message"` // of message_changed, which compliance exports have
}

type reply struct {
	TS plain `json:"ts"`
}

type edit struct {
	User plain `json:"user"`
	TS   plain `json:"ts"`
}

type profile struct {
	DisplayName plain `json:"display_name"`
	RealName    plain `json:"real_name"`
	Name        plain `json:"name"`
}

// shown is what a person is called by others.
func (p *profile) shown() string {
	if p == nil {
		return ""
	}
	return firstOf(p.DisplayName, p.RealName, p.Name)
}

type reaction struct {
	Name  plain `json:"name"`
	Count plain `json:"count"`
	Users names `json:"users"`
}

type comment struct {
	User plain `json:"user"`
}

type item struct {
	TS      plain       `json:"ts"`
	Message one[record] `json:"message"`
}

// attachment is what Slack calls so: what a link leads to, or what a bot has to say.
type attachment struct {
	Fallback  plain `json:"fallback"`
	Pretext   plain `json:"pretext"`
	Title     plain `json:"title"`
	TitleLink plain `json:"title_link"`
	Text      plain `json:"text"`
	IsShare   plain `json:"is_share"`
	TS        plain `json:"ts"`
	ChannelID plain `json:"channel_id"`
	AuthorID  plain `json:"author_id"`
	Author    plain `json:"author_name"`
}

type file struct {
	ID        plain `json:"id"`
	Name      plain `json:"name"`
	Title     plain `json:"title"`
	MIME      plain `json:"mimetype"`
	Mode      plain `json:"mode"`
	Access    plain `json:"file_access"`
	Subtype   plain `json:"subtype"`
	Private   plain `json:"url_private"`
	Permalink plain `json:"permalink"`
	Size      plain `json:"size"`
	Width     plain `json:"original_w"`
	Height    plain `json:"original_h"`
	Duration  plain `json:"duration_ms"`
}

type user struct {
	ID       plain        `json:"id"`
	Team     plain        `json:"team_id"`
	Name     plain        `json:"name"`
	RealName plain        `json:"real_name"`
	IsBot    plain        `json:"is_bot"`
	Updated  plain        `json:"updated"`
	Profile  one[profile] `json:"profile"`
}

type channel struct {
	ID        plain     `json:"id"`
	Name      plain     `json:"name"`
	Created   plain     `json:"created"`
	Updated   plain     `json:"updated"`
	IsIM      plain     `json:"is_im"`
	IsMPIM    plain     `json:"is_mpim"`
	IsGroup   plain     `json:"is_group"`
	IsPrivate plain     `json:"is_private"`
	Topic     one[note] `json:"topic"`
	Purpose   one[note] `json:"purpose"`
	Members   names     `json:"members"`
}

type note struct {
	Value plain `json:"value"`
	Set   plain `json:"last_set"`
}

// decode reads a record. Members of a type that is not the usual one are taken for missing, not for damage: what else the
// record says is worth more, and the raw record is kept.
func decode(raw []byte, into any) error {
	err := json.Unmarshal(raw, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("reading a record: %w", err)
	}
	return nil
}

// plain is a string, or a number or a word as it is written; empty for anything else. So the digits of a number stay what
// they are.
type plain string

// UnmarshalJSONFrom reads any one value.
func (p *plain) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	*p = plain(word(v))
	return nil
}

func word(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		if bytes.IndexByte(v, '\\') < 0 && utf8.Valid(v) {
			return string(v[1 : len(v)-1])
		}
		b, _ := jsontext.AppendUnquote(nil, v) // half a surrogate pair: what it should have been is lost, and marked so
		if !utf8.Valid(b) {
			return strings.ToValidUTF8(string(b), "\uFFFD")
		}
		return string(b)
	case '0', 't':
		return string(v)
	}
	return ""
}

// names are the strings of a list; none if it is null or something else.
type names []string

// UnmarshalJSONFrom reads any one value.
func (n *names) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return jsonscan.Each(d, func() error {
		v, err := d.ReadValue()
		if s := word(v); err == nil && s != "" {
			*n = append(*n, s)
		}
		return err
	})
}

// list is the objects of a list; none if it is null or something else.
type list[T any] []T

// UnmarshalJSONFrom reads any one value.
func (l *list[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return jsonscan.Each(d, func() error {
		if d.PeekKind() != '{' {
			return d.SkipValue()
		}
		var e T
		err := json.UnmarshalDecode(d, &e)
		*l = append(*l, e)
		return err
	})
}

// one is an object that may not be there.
type one[T any] struct{ it *T }

// UnmarshalJSONFrom reads any one value.
func (o *one[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return d.SkipValue()
	}
	o.it = new(T)
	return json.UnmarshalDecode(d, o.it)
}

func firstOf(of ...plain) string {
	for _, s := range of {
		if s != "" {
			return string(s)
		}
	}
	return ""
}

func (p plain) number() int64 {
	n, err := strconv.ParseInt(string(p), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
