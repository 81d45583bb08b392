package telegram

import (
	"context"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
)

// sidecarName is how the exporter calls its JSON, which newer versions write beside the pages.
const sidecarName = "result.json"

// sidecar is what a JSON export says of its chats, without their messages.
type sidecar struct {
	account event.Account
	single  bool // an export of one chat
	chats   []chat
}

// sidecars remembers what stands beside pages: an account's JSON is read in the whole to find its chats, once for all pages.
type sidecars struct {
	mu   sync.Mutex
	read map[string]*sidecar

	topics map[string]map[int64]int64 // of the pages in a folder
}

// sidecarsKept bounds what is remembered: an import has few exports, each of some thousand chats.
const sidecarsKept = 16

// beside returns what the JSON says that stands at rel from the folder of a file; nil if there is none. Only the end of ctx is an error.
func (s *sidecars) beside(ctx context.Context, f producers.File, rel, charset string) (*sidecar, error) {
	if f.Beside == nil {
		return nil, nil
	}
	where := path.Join(path.Dir(f.Path), rel)
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, ok := s.read[where]; ok {
		return x, nil
	}
	x := readSidecar(ctx, func() (io.ReadCloser, error) { return f.Beside(rel) }, charset)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.read == nil || len(s.read) >= sidecarsKept {
		s.read = map[string]*sidecar{}
	}
	s.read[where] = x
	return x, nil
}

// readSidecar reads as far as the file can be read. Nil where it says nothing of chats.
func readSidecar(ctx context.Context, open func() (io.ReadCloser, error), name string) *sidecar {
	chars, err := charset.NewDecoder(name, open)
	if err != nil {
		return nil
	}
	r, err := open()
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // it was only read
	x := &sidecarReader{scan: newScanner(&patient{ctx: ctx, r: r}, chars.Leads(nil), 0, 1, 0), dec: newDecoder(), chars: chars}
	x.root()
	if len(x.out.chats) == 0 {
		return nil
	}
	return &x.out
}

type sidecarReader struct {
	scan  *jsonscan.Scanner
	dec   *decoder
	chars *charset.Decoder
	out   sidecar
}

func (x *sidecarReader) root() {
	var c chat
	if _, ok := x.scan.Next(); ok && strings.HasPrefix(string(x.scan.Rest()[:min(3, len(x.scan.Rest()))]), string(byteOrderMark())) {
		x.scan.Skip(len(byteOrderMark()))
	}
	x.members(func(name string, first byte) bool {
		switch {
		case name == "messages" && c.Peer != "":
			x.out.single = true
			return false // what follows says nothing more
		case name == "messages":
			x.out.single = true
		case name == "personal_information":
			id, err := x.dec.member(x.scan.Value(false).Raw, "user_id")
			if err == nil && id != "" {
				x.out.account = account(id)
			}
			return true
		case (name == "chats" || name == "left_chats") && first == '{':
			return x.members(x.section)
		}
		return x.about(&c, name, first)
	})
	if x.out.single && c.Peer != "" {
		x.out.chats = []chat{c}
	}
}

// section reads a member of "chats" or "left_chats".
func (x *sidecarReader) section(name string, first byte) bool {
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
			var c chat
			whole := x.members(func(name string, first byte) bool { return x.about(&c, name, first) })
			x.out.chats = append(x.out.chats, c)
			if !whole {
				return false
			}
		default:
			return false
		}
	}
}

// about takes what a member says of a chat, and passes any other.
func (x *sidecarReader) about(c *chat, name string, first byte) bool {
	if first == '[' || first == '{' || name != "name" && name != "type" && name != "id" {
		return x.scan.Pass().Why == ""
	}
	f := x.scan.Value(false)
	text, key, label := decode(x.chars, f.Raw)
	v := plain{text: x.dec.text(text), charset: label}
	if key != nil {
		v.key = x.dec.text(key)
	}
	c.set(name, v)
	return f.Why == ""
}

// members calls member for each name of an object, with the first byte of its value, which it must read. It ends at the object's end,
// or where member returns false or the object is broken; then it returns false itself.
func (x *sidecarReader) members(member func(name string, first byte) bool) bool {
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

// shownAs is how pages call a chat. Those without a name are called by what they are.
func (c *chat) shownAs() string {
	if c.Name != "" {
		return sameName(c.Name)
	}
	switch c.Type {
	case "saved_messages":
		return "saved messages"
	case "replies":
		return "replies"
	case "verification_codes":
		return "verification codes"
	}
	return sameName(deleted)
}

// sameName brings names together that pages and JSON print with other spaces and, of the exporter's own, other capitals.
func sameName(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// chatOf returns the chat that a page calls by a name, if only one is called so.
func (x *sidecar) chatOf(name string) (found chat, ok bool) {
	for _, c := range x.chats {
		if c.Peer == "" || c.shownAs() != sameName(name) {
			continue
		}
		if ok {
			return chat{}, false
		}
		found, ok = c, true
	}
	return found, ok
}

// listedAs returns the chat whose pages are in a folder. Namesakes are told apart by their order, which is that of the account's list of
// pages, where the two lists have the same names all through.
func (x *sidecar) listedAs(list []listedChat, folder string) (found chat, ok bool) {
	if len(list) != len(x.chats) {
		return chat{}, false
	}
	for i, c := range x.chats {
		if c.shownAs() != sameName(list[i].name) {
			return chat{}, false
		}
		if list[i].folder == folder && c.Peer != "" {
			found, ok = c, true
		}
	}
	return found, ok
}
