package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// begin reads what stands before the first message: the chat's name.
func (p *page) begin(raw []byte, whole bool) error {
	p.Begun = true
	if bytes.HasPrefix(raw, []byte(messageTag)) { // somebody took it off
		raw, whole = nil, true
	}
	if !whole {
		return fault.AsFatal(errors.New("this is no Telegram export: no message begins in its first megabytes"))
	}
	text, key, label := decode(p.chars, raw)
	name, listed := header(text)
	p.Chat.Name, p.Zone = name, firstZone(p.file.Head)
	if key != nil {
		p.Chat.NameKey, _ = header(key)
	}
	p.Chat.Charset = label
	if err := p.place(listed); err != nil {
		return err
	}
	if err := p.announce(p.namespace(), event.Instant{}); err != nil {
		return err
	}
	last := p.scan.last(len(raw))
	if last && !bytes.Contains(raw, []byte("</html")) {
		if err := p.broken(nil, "the file ends before its last tag: the export was interrupted"); err != nil {
			return err
		}
	}
	p.scan.pass(len(raw))
	p.Done = last
	return nil
}

// header finds the chat's name, and whether the page is one of many that a list names.
func header(raw []byte) (name string, listed bool) {
	i := bytes.Index(raw, []byte(`<div class="page_header"`))
	if i < 0 {
		return "", false
	}
	e, _, err := parseElement(raw[i:])
	if err != nil {
		return "", false
	}
	name = e.find("text").words()
	for c := range e.all() {
		listed = listed || c.tag == "a" && path.Base(c.attrs["href"]) == "chats.html"
	}
	return name, listed
}

var errChatless = errors.New("an HTML export does not say which chat it is of, only what it is called, and that is no ground " +
	"for ids: name the account that exported it with --account; or, of a channel or supergroup, its id with --channel, " +
	"for example --channel channel1234567890, then its messages are those of a JSON export too")

// place decides of which chat the page is. Where the user names it by its id with its type, as a JSON export does, the
// messages are the same ones; else the chat goes by its name.
func (p *page) place(listed bool) error {
	switch {
	case p.options.Channel != "" && !listed:
		p.Chat.Channel = p.options.Channel
	case listed && p.namesakes():
		p.Chat.Channel = event.Channel("name:" + p.Chat.nameKey() + "/" + path.Base(path.Dir(p.file.Path)))
	case p.Chat.Name != "":
		p.Chat.Channel = event.Channel("name:" + p.Chat.nameKey())
	default:
		p.Chat.Channel = "unnamed"
	}
	if p.namespace() == "" {
		return fault.AsFatal(fmt.Errorf("chat %q: %w", p.Chat.Name, errChatless))
	}
	return nil
}

// mostListed is how much is read of the list of an account's chats: some hundred bytes each.
const mostListed = 16 << 20

// namesakes reports whether the account's list has another chat of this name. Their messages have the same numbers.
func (p *page) namesakes() bool {
	if p.file.Beside == nil {
		return false
	}
	r, err := p.file.Beside("../../lists/chats.html")
	if err != nil { // the page stands alone: nobody can tell
		return false
	}
	defer func() { _ = r.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(r, mostListed))
	if err != nil {
		return false
	}
	b, _, _ = decode(p.chars, b)
	const entry = `<div class="name bold">`
	found := 0
	for i := bytes.Index(b, []byte(entry)); i >= 0; i = bytes.Index(b, []byte(entry)) {
		e, n, err := parseElement(b[i:])
		if err != nil {
			return found > 1
		}
		if e.words() == p.Chat.Name {
			found++
		}
		b = b[i+n:]
	}
	return found > 1
}

// shared reports whether the chat's messages are numbered for all accounts alike, which only the user can say.
func (p *page) shared() bool {
	id, ok := strings.CutPrefix(string(p.Chat.Channel), "channel")
	return ok && isNumber(id)
}

func (p *page) whose() event.Account { return account(string(p.options.Account)) }

// private is the namespace of what is numbered for one account only; empty if nobody said whose export it is.
func (p *page) private() event.Namespace {
	if a := p.whose(); a != "" {
		return event.Namespace(sourceName + ":" + string(a))
	}
	return ""
}

func (p *page) namespace() event.Namespace {
	if p.shared() {
		return sourceName
	}
	return p.private()
}
