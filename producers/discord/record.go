package discord

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

// record is a message as the exporter writes it. What has no field here is in details, if it is a plain value.
type record struct {
	id, kind        string
	sent, edited    string
	content         string
	pinned          bool
	author          user
	attachments     []attachment
	links           []string
	reactions       []reaction
	mentions        []user
	emojis          []emoji
	hasRef          bool
	ref             reference
	forwarded       *forwarded
	interaction     string
	interactionID   string
	interactionUser user
	details         map[string]string
	embeds          int
}

type user struct {
	id, name, nickname string
	tag                string // four digits, which distinguished equal names
	bot                bool
}

type attachment struct {
	id, url, name string
	bytes         int64
	sticker       bool
}

type emoji struct{ id, name, code string }

type reaction struct {
	emoji emoji
	count int64
	users []user
}

type reference struct{ kind, message, channel string }

type forwarded struct{ sent, edited, content string }

// note keeps what has no field of its own.
func (r *record) note(key, value string) {
	if value == "" {
		return
	}
	if r.details == nil {
		r.details = map[string]string{}
	}
	r.details[key] = value
}

// field reads one member of a message.
func (d *decoder) field(r *record, key []byte) error {
	switch string(key) {
	case "id":
		return d.Into(&r.id)
	case "type":
		return d.Into(&r.kind)
	case "timestamp":
		return d.Into(&r.sent)
	case "timestampEdited":
		return d.Into(&r.edited)
	case "isPinned":
		return d.truth(&r.pinned)
	case "content":
		return d.Into(&r.content)
	case "author":
		return d.user(&r.author)
	case "reactions":
		return d.reactions(r)
	case "mentions":
		return d.users(&r.mentions)
	case "reference":
		return d.reference(r)
	case "forwardedMessage":
		return d.forwarded(r)
	case "interaction":
		return d.interaction(r)
	case "inlineEmojis":
		return d.Array(func() error {
			var e emoji
			err := d.emoji(&e)
			r.emojis = append(r.emojis, e)
			return err
		})
	case "callEndedTimestamp":
		return d.detail(r, "call_ended")
	}
	return d.enclosed(r, key)
}

// enclosed reads what both a message and one that is forwarded in it may hold.
func (d *decoder) enclosed(r *record, key []byte) error {
	switch string(key) {
	case "attachments":
		return d.Array(func() error { return d.attachment(r, false) })
	case "stickers":
		return d.Array(func() error { return d.attachment(r, true) })
	case "embeds":
		return d.Array(func() error { return d.embed(r) })
	case "components":
		return d.Array(func() error { return d.component(r) })
	}
	return d.detail(r, string(key))
}

// detail keeps a plain value; what is more is left to the raw record.
func (d *decoder) detail(r *record, key string) error {
	v, err := d.Text()
	if err == nil {
		r.note(key, v)
	}
	return err
}

func (d *decoder) user(u *user) error {
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "id":
			return d.Into(&u.id)
		case "name":
			return d.Into(&u.name)
		case "nickname":
			return d.Into(&u.nickname)
		case "discriminator":
			if d.tags {
				return d.Into(&u.tag)
			}
		case "isBot":
			return d.truth(&u.bot)
		}
		return d.Skip()
	})
}

func (d *decoder) users(list *[]user) error {
	return d.Array(func() error {
		var u user
		err := d.user(&u)
		*list = append(*list, u)
		return err
	})
}

func (d *decoder) attachment(r *record, sticker bool) error {
	a := attachment{sticker: sticker}
	err := d.Object(func(key []byte) error {
		switch string(key) {
		case "id":
			return d.Into(&a.id)
		case "url", "sourceUrl":
			return d.Into(&a.url)
		case "fileName", "name":
			return d.Into(&a.name)
		case "fileSizeBytes":
			return d.Number(&a.bytes)
		}
		return d.Skip()
	})
	r.attachments = append(r.attachments, a)
	return err
}

func (d *decoder) emoji(e *emoji) error {
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "id":
			return d.Into(&e.id)
		case "name":
			return d.Into(&e.name)
		case "code":
			return d.Into(&e.code)
		}
		return d.Skip()
	})
}

func (d *decoder) reactions(r *record) error {
	return d.Array(func() error {
		var x reaction
		err := d.Object(func(key []byte) error {
			switch string(key) {
			case "emoji":
				return d.emoji(&x.emoji)
			case "count":
				return d.Number(&x.count)
			case "users":
				return d.users(&x.users)
			}
			return d.Skip()
		})
		r.reactions = append(r.reactions, x)
		return err
	})
}

func (d *decoder) reference(r *record) error {
	r.hasRef = d.Kind() == '{'
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "type":
			return d.Into(&r.ref.kind)
		case "messageId":
			return d.Into(&r.ref.message)
		case "channelId":
			return d.Into(&r.ref.channel)
		}
		return d.Skip()
	})
}

func (d *decoder) forwarded(r *record) error {
	if d.Kind() != '{' {
		return d.Skip()
	}
	f := new(forwarded)
	r.forwarded = f
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "timestamp":
			return d.Into(&f.sent)
		case "timestampEdited":
			return d.Into(&f.edited)
		case "content":
			return d.Into(&f.content)
		case "attachments", "stickers", "embeds":
			return d.enclosed(r, key)
		}
		return d.Skip()
	})
}

func (d *decoder) interaction(r *record) error {
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "id":
			return d.Into(&r.interactionID)
		case "name":
			return d.Into(&r.interaction)
		case "user":
			return d.user(&r.interactionUser)
		}
		return d.Skip()
	})
}

// embed keeps the words and the targets of a preview: bots say what they have to say in nothing else.
func (d *decoder) embed(r *record) error {
	r.embeds++
	prefix := "embed." + strconv.Itoa(r.embeds) + "."
	fields := 0
	return d.Object(func(key []byte) error {
		switch k := string(key); k {
		case "title", "description":
			return d.detail(r, prefix+k)
		case "url":
			return d.link(r)
		case "author":
			return d.member("name", func() error { return d.detail(r, prefix+"author") })
		case "footer":
			return d.member("text", func() error { return d.detail(r, prefix+"footer") })
		case "image", "video":
			return d.member("canonicalUrl", func() error { return d.link(r) })
		case "fields":
			return d.Array(func() error {
				fields++
				return d.embedField(r, prefix+"field."+strconv.Itoa(fields))
			})
		}
		return d.Skip()
	})
}

func (d *decoder) embedField(r *record, detail string) error {
	var name, value string
	err := d.Object(func(key []byte) error {
		switch string(key) {
		case "name":
			return d.Into(&name)
		case "value":
			return d.Into(&value)
		}
		return d.Skip()
	})
	r.note(detail, name+": "+value)
	return err
}

// member reads one member of an object.
func (d *decoder) member(name string, read func() error) error {
	return d.Object(func(key []byte) error {
		if string(key) == name {
			return read()
		}
		return d.Skip()
	})
}

func (d *decoder) link(r *record) error {
	url, err := d.Text()
	if isURL(url) {
		r.links = append(r.links, url)
	}
	return err
}

// component looks for the targets of buttons.
func (d *decoder) component(r *record) error {
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "url":
			return d.link(r)
		case "components":
			return d.Array(func() error { return d.component(r) })
		}
		return d.Skip()
	})
}

// decoder reads messages. It is used by one session, one value after the other.
type decoder struct {
	*jsonscan.Decoder
	tags bool // the four digits of names are wanted
}

func newDecoder() *decoder { return &decoder{Decoder: jsonscan.NewDecoder()} }

// text reads a value that stands alone; empty if it is no plain value.
func (d *decoder) text(raw []byte) string {
	d.Reset(jsonscan.ValidUTF8(raw))
	s, _ := d.Text() // what cannot be read is not known
	return s
}

var (
	errNoID   = errors.New("the record has no id")
	errTrails = errors.New("something follows the record")
)

// record reads a message, which is UTF-8.
func (d *decoder) record(raw []byte) (*record, error) {
	d.Reset(raw)
	r := new(record)
	if err := d.Object(func(key []byte) error { return d.field(r, key) }); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if d.Offset() != int64(len(raw)) && d.Kind() != 0 {
		return nil, errTrails
	}
	if r.id == "" {
		return nil, errNoID
	}
	return r, nil
}

func (d *decoder) truth(b *bool) error {
	v, err := d.Text()
	*b = v == "true"
	return err
}
