package jsonexport

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/agrichat/agrichat/producers/telegram/export"
)

// field reads one member of a message.
func (d *decoder) field(r *record, key []byte) error {
	switch string(key) {
	case "id":
		return d.Into(&r.id)
	case "type":
		return d.Into(&r.kind)
	case "date":
		return d.Into(&r.date)
	case "date_unixtime":
		return d.Into(&r.unix)
	case "edited":
		return d.Into(&r.edited)
	case "edited_unixtime":
		return d.Into(&r.editedUnix)
	case "from", "actor":
		return d.Into(&r.from)
	case "from_id", "actor_id":
		return d.Into(&r.fromID)
	case "text":
		return d.plainText(r)
	case "text_entities":
		return d.entities(r)
	case "reply_to_message_id":
		return d.Into(&r.replyTo)
	case "reply_to_peer_id":
		return d.Into(&r.replyPeer)
	case "forwarded_from":
		r.forwarded = true
		return d.Into(&r.forwardFrom)
	case "forwarded_from_id":
		r.forwarded = true
		return d.Into(&r.forwardID)
	}
	if r.kind == "service" {
		return d.serviceField(r, key)
	}
	return d.mediaField(r, key)
}

func (d *decoder) mediaField(r *record, key []byte) error {
	switch string(key) {
	case "photo":
		r.hasPhoto = true
		return d.Into(&r.photo)
	case "photo_file_size":
		return d.Number(&r.photoBytes)
	case "file":
		return d.Into(&r.file)
	case "file_name":
		return d.Into(&r.fileName)
	case "file_size":
		return d.Number(&r.fileBytes)
	case "media_type":
		return d.Into(&r.mediaType)
	case "mime_type":
		return d.Into(&r.mime)
	case "width":
		return d.count(&r.width)
	case "height":
		return d.count(&r.height)
	case "duration_seconds":
		return d.duration(r)
	case "thumbnail", "thumbnail_file_size", "inline_bot_buttons":
		return d.Skip()
	case "poll":
		return d.poll(r)
	case "reactions":
		return d.reactions(r)
	}
	return d.detail(r, string(key))
}

func (d *decoder) serviceField(r *record, key []byte) error {
	switch string(key) {
	case "action":
		return d.Into(&r.action)
	case "title":
		return d.Into(&r.title)
	case "new_title":
		return d.Into(&r.newTitle)
	case "message_id":
		return d.Into(&r.target)
	case "members":
		return d.Array(func() error {
			name, err := d.Text()
			r.members = append(r.members, name)
			return err
		})
	case "photo":
		return d.Into(&r.photo)
	case "width":
		return d.count(&r.width)
	case "height":
		return d.count(&r.height)
	case "reactions":
		return d.reactions(r)
	}
	return d.detail(r, string(key))
}

func (d *decoder) duration(r *record) error {
	v, err := d.Text()
	if err != nil {
		return err
	}
	if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 && f < 1e9 {
		r.seconds = f
	}
	return nil
}

// plainText reads a text that is a string, or an array of strings and of marked pieces.
func (d *decoder) plainText(r *record) error {
	if d.Kind() != '[' {
		r.hasText = true
		return d.Into(&r.text)
	}
	return d.pieces(r)
}

// entities reads the newer form of the text, which is an array in any case. Where the older form was a plain string there
// is nothing in it that was not in that.
func (d *decoder) entities(r *record) error {
	if r.hasText && r.text != "" {
		return d.Skip()
	}
	text, links, mentions, stated := r.text, r.links, r.mentions, r.linksStated
	r.text, r.links, r.mentions, r.linksStated = "", nil, nil, false
	if err := d.pieces(r); err != nil {
		return err
	}
	if r.text == "" {
		r.text, r.links, r.mentions, r.linksStated = text, links, mentions, stated
	}
	return nil
}

func (d *decoder) pieces(r *record) error {
	var text strings.Builder
	d.marks.Reset()
	err := d.Array(func() error {
		if d.Kind() != '{' {
			s, err := d.Text()
			text.WriteString(s)
			return err
		}
		s, err := d.piece(r, text.Len())
		text.WriteString(s)
		return err
	})
	if r.text = text.String(); d.marks.Touched(r.text) {
		r.links, r.linksStated = slices.Clone(d.marks.Links), true
	}
	return err
}

// piece reads a piece of a text, which is at an offset of it.
func (d *decoder) piece(r *record, at int) (string, error) {
	var kind, text, href, user string
	err := d.Object(func(key []byte) error {
		switch string(key) {
		case "type":
			return d.Into(&kind)
		case "text":
			return d.Into(&text)
		case "href":
			return d.Into(&href)
		case "user_id":
			return d.Into(&user)
		}
		return d.Skip()
	})
	switch {
	case kind == "text_link" && href != "":
		r.links = append(r.links, href)
		d.marks.Add(href, text, at)
	case kind == "link":
		r.links = export.AppendBare(r.links, text)
		d.marks.Add(text, text, at)
	case kind == "mention_name" && user != "":
		r.mentions = append(r.mentions, mention{id: user, name: text})
	case kind == "mention":
		r.mentions = append(r.mentions, mention{name: text})
	}
	return text, err
}

func (d *decoder) poll(r *record) error {
	p := new(poll)
	r.poll = p
	return d.Object(func(key []byte) error {
		switch string(key) {
		case "question":
			return d.Into(&p.question)
		case "closed":
			v, err := d.Text()
			p.closed = v == "true"
			return err
		case "total_voters":
			return d.count(&p.voters)
		case "answers":
			return d.Array(func() error { return d.answer(p) })
		}
		return d.Skip()
	})
}

func (d *decoder) answer(p *poll) error {
	var o pollOption
	err := d.Object(func(key []byte) error {
		switch string(key) {
		case "text":
			return d.Into(&o.text)
		case "voters":
			return d.count(&o.votes)
		}
		return d.Skip()
	})
	p.options = append(p.options, o)
	return err
}

func (d *decoder) reactions(r *record) error {
	return d.Array(func() error {
		var x reaction
		err := d.Object(func(key []byte) error {
			switch string(key) {
			case "type":
				return d.Into(&x.kind)
			case "emoji":
				return d.Into(&x.emoji)
			case "document_id":
				return d.Into(&x.document)
			case "count":
				return d.count(&x.count)
			case "recent":
				return d.Array(func() error { return d.recent(&x) })
			}
			return d.Skip()
		})
		r.reactions = append(r.reactions, x)
		return err
	})
}

func (d *decoder) recent(x *reaction) error {
	var p recent
	err := d.Object(func(key []byte) error {
		switch string(key) {
		case "from":
			return d.Into(&p.from)
		case "from_id":
			return d.Into(&p.fromID)
		case "date":
			return d.Into(&p.date)
		}
		return d.Skip()
	})
	x.recent = append(x.recent, p)
	return err
}

// detail keeps a value that has no place of its own; the plain values in an object under both names, as in
// "location.latitude". Lists are left to the raw record, todo lists excepted.
func (d *decoder) detail(r *record, key string) error {
	switch d.Kind() {
	case '{':
		prefix := strings.TrimSuffix(key, "_information") + "."
		return d.Object(func(sub []byte) error { return d.detailOf(r, prefix+string(sub)) })
	case '[':
		return d.Skip()
	}
	return d.detailOf(r, key)
}

func (d *decoder) detailOf(r *record, key string) error {
	if k := d.Kind(); k == '[' && key == "todo_list.answers" {
		return d.todo(r)
	} else if k == '{' || k == '[' || k == jsontext.KindNull {
		return d.Skip()
	}
	v, err := d.Text()
	if err != nil || v == "" {
		return err
	}
	if r.details == nil {
		r.details = map[string]string{}
	}
	r.details[key] = v
	return nil
}

func (d *decoder) todo(r *record) error {
	var p poll
	if err := d.Array(func() error { return d.answer(&p) }); err != nil {
		return err
	}
	if r.details == nil {
		r.details = map[string]string{}
	}
	for i, o := range p.options {
		r.details["todo_list."+strconv.Itoa(i+1)] = o.text
	}
	return nil
}
