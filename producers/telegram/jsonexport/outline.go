package jsonexport

import (
	"context"
	"io"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

type outlineReader struct {
	scan  *jsonscan.Scanner
	dec   *decoder
	chars *charset.Decoder
	out   Outline
}

func (x *outlineReader) root() {
	var c export.Chat
	x.scan.Next()
	filekit.SkipMark(x.scan.Window)
	x.members(func(name string, first byte) bool {
		switch {
		case name == "messages" && c.Peer != "":
			x.out.Single = true
			return false // what follows says nothing more
		case name == "messages":
			x.out.Single = true
		case name == "personal_information":
			id, err := x.dec.member(x.scan.Value(false).Raw, "user_id")
			if err == nil && id != "" {
				x.out.Account = export.UserID(id)
			}
			return true
		case (name == "chats" || name == "left_chats") && first == '{':
			return x.members(x.section)
		}
		return x.about(&c, name, first)
	})
	if x.out.Single && c.Peer != "" {
		x.out.Chats = []export.Chat{c}
	}
}

// section reads a member of "chats" or "left_chats".
func (x *outlineReader) section(name string, first byte) bool {
	if name != "list" || first != '[' {
		return x.scan.Pass().Why == ""
	}
	x.scan.Skip(1)
	for {
		switch first, ok := x.scan.Next(); {
		case !ok:
			return false
		case first == ',':
			x.scan.Skip(1)
		case first == ']':
			x.scan.Skip(1)
			return true
		case first == '{':
			var c export.Chat
			whole := x.members(func(name string, first byte) bool { return x.about(&c, name, first) })
			x.out.Chats = append(x.out.Chats, c)
			if !whole {
				return false
			}
		default:
			return false
		}
	}
}

// about takes what a member says of a chat, and passes any other.
func (x *outlineReader) about(c *export.Chat, name string, first byte) bool {
	if first == '[' || first == '{' || name != "name" && name != "type" && name != "id" {
		return x.scan.Pass().Why == ""
	}
	f := x.scan.Value(false)
	c.Set(name, x.dec.plain(x.chars, f.Raw))
	return f.Why == ""
}

// members calls member for each name of an object, with the first byte of its value, which it must read. It ends at the object's end,
// or where member returns false or the object is broken; then it returns false itself.
func (x *outlineReader) members(member func(name string, first byte) bool) bool {
	if first, ok := x.scan.Next(); !ok || first != '{' {
		return false
	}
	x.scan.Skip(1)
	for {
		switch first, ok := x.scan.Next(); {
		case !ok:
			return false
		case first == ',':
			x.scan.Skip(1)
			continue
		case first == '}':
			x.scan.Skip(1)
			return true
		case first != '"':
			return false
		}
		key := x.scan.Value(false)
		name := x.dec.text(key.Raw)
		if c, ok := x.scan.Next(); key.Why != "" || !ok || c != ':' {
			return false
		}
		x.scan.Skip(1)
		first, ok := x.scan.Next()
		if !ok || !member(name, first) {
			return false
		}
	}
}

// ReadOutline reads as far as the file can be read. Nil where it says nothing of chats.
func ReadOutline(ctx context.Context, open func() (io.ReadCloser, error), name string) *Outline {
	chars, err := charset.NewDecoder(name, open)
	if err != nil {
		return nil
	}
	r, err := open()
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // it was only read
	x := &outlineReader{scan: newScanner(filekit.ContextReader(ctx, r), chars.Leads(nil), 0, 1, 0), dec: newDecoder(), chars: chars}
	x.root()
	if len(x.out.Chats) == 0 {
		return nil
	}
	return &x.out
}

// Outline is what a JSON export says of its chats, without their messages.
type Outline struct {
	Account event.Account
	Single  bool // an export of one chat
	Chats   []export.Chat
}
