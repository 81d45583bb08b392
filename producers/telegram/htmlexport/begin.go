package htmlexport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// begin reads what is before the first message: the chat's name.
func (p *session) begin(ctx context.Context, raw []byte, whole bool) error {
	p.Begun = true
	if bytes.HasPrefix(raw, []byte(MessageTag)) { // the header was cut off
		raw, whole = nil, true
	}
	if !whole {
		return fault.AsFatal(errors.New("this is no Telegram export: no message begins in its first megabytes"))
	}
	text, key, label := export.Decode(p.chars, raw)
	name, listed := header(string(text))
	p.Chat.Name, p.Zone = name, firstZone(p.File.Head)
	if key != nil {
		p.Chat.NameKey, _ = header(string(key))
	}
	p.Chat.Charset, p.Listed = label, listed
	if err := p.locateChat(ctx); err != nil {
		return err
	}
	if err := p.emitChannel(p.namespace(), event.Instant{}); err != nil {
		return err
	}
	last := p.scan.last(len(raw))
	if last && !bytes.Contains(raw, []byte("</html")) {
		if err := p.unparsed(nil, "the file ends before its last tag: the export was interrupted"); err != nil {
			return err
		}
	}
	p.scan.advance(len(raw))
	p.Done = last
	return nil
}

// header finds the chat's name, and whether the page is one of many that a list names.
func header(raw string) (name string, listed bool) {
	i := strings.Index(raw, `<div class="page_header"`)
	if i < 0 {
		return "", false
	}
	e, _, err := markup.Parse(raw[i:])
	if err != nil {
		return "", false
	}
	name = strings.Clone(e.Find("text").Words())
	for c := range e.All() {
		listed = listed || c.Tag == "a" && path.Base(c.Attr("href")) == "chats.html"
	}
	return name, listed
}

var errNoChat = errors.New("an HTML export does not say which chat it is of, only what it is called, and that is no ground " +
	"for ids: name the account that exported it with --account; or, of a channel or supergroup, its id with --channel, " +
	"for example --channel channel1234567890, then its messages are those of a JSON export too")

// locateChat decides of which chat the page is. Where the JSON of the same export says it, or the user names the chat by its id with its
// type, the messages are the same ones as in JSON; else the chat goes by its name.
func (p *session) locateChat(ctx context.Context) error {
	known, err := p.inOutline(ctx)
	switch {
	case err != nil:
		return err
	case known:
		p.Chat.Channel = p.Chat.ChannelID()
		if p.namespace() == "" {
			return export.Nameless(p.File, export.ErrPrivate(p.Chat.Name))
		}
		return nil
	case p.Options.Channel != "" && !p.Listed:
		p.Chat.Channel = p.Options.Channel
	case p.Listed && hasNamesakes(p.list(), p.Chat.Name):
		p.Chat.Channel = event.Channel("name:" + p.Chat.KeyName() + "/" + path.Base(path.Dir(p.File.Path)))
	case p.Chat.Name != "":
		p.Chat.Channel = event.Channel("name:" + p.Chat.KeyName())
	default:
		p.Chat.Channel = "unnamed"
	}
	if p.namespace() == "" {
		return export.Nameless(p.File, fmt.Errorf("chat %q: %w", p.Chat.Name, errNoChat))
	}
	return nil
}

// inOutline looks for the chat in the JSON of the same export: in the page's folder if it is of one chat, else in the account's.
func (p *session) inOutline(ctx context.Context) (bool, error) {
	rel := sidecarName
	if p.Listed {
		rel = "../../" + sidecarName
	}
	x, err := p.cache.outline(ctx, p.File, rel, p.Options.Charset)
	if err != nil || x == nil || x.Single == p.Listed {
		return false, err
	}
	p.Account = x.Account
	c, ok := chatNamed(x, p.Chat.Name)
	if !ok && p.Listed {
		c, ok = listedAs(x, p.list(), path.Base(path.Dir(p.File.Path)))
	}
	if ok {
		p.Chat.Peer, p.Chat.Type = c.Peer, c.Type
	}
	return ok, nil
}

// mostListed is how much is read of the list of an account's chats: some hundred bytes each.
const mostListed = 16 << 20

// hasNamesakes reports whether the account's list has several chats of a name. Their messages have the same numbers.
func hasNamesakes(list []listedChat, name string) bool {
	found := 0
	for _, c := range list {
		if c.name == name {
			found++
		}
	}
	return found > 1
}

// listedChat is an entry of the list of an account's chats.
type listedChat struct{ name, folder string }

// list reads the list of the account's chats; none if the page is alone.
func (p *session) list() (out []listedChat) {
	if p.File.Beside == nil {
		return nil
	}
	r, err := p.File.Beside("../../lists/chats.html")
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(r, mostListed))
	if err != nil {
		return nil
	}
	b, _, _ = export.Decode(p.chars, b)
	const entry = `<div class="name bold">`
	rest := string(b)
	for i := strings.Index(rest, entry); i >= 0; i = strings.Index(rest, entry) {
		e, n, err := markup.Parse(rest[i:])
		if err != nil {
			return out
		}
		out = append(out, listedChat{name: strings.Clone(e.Words()), folder: strings.Clone(lastFolder(rest[:i]))})
		rest = rest[i+n:]
	}
	return out
}

// lastFolder is the folder of the pages that the last link in s leads to.
func lastFolder(s string) string {
	const link = `href="../chats/`
	i := strings.LastIndex(s, link)
	if i < 0 {
		return ""
	}
	folder, _, _ := strings.Cut(s[i+len(link):], "/")
	return folder
}

// shared reports whether the chat's messages are numbered for all accounts alike, which only JSON or the user can say.
func (p *session) shared() bool {
	if p.Chat.Peer != "" {
		return p.Chat.Shared()
	}
	id, ok := strings.CutPrefix(string(p.Chat.Channel), "channel")
	return ok && export.IsNumber(id)
}

func (p *session) namespace() event.Namespace {
	if p.shared() {
		return export.Source
	}
	return p.owner().Private()
}

func (p *session) owner() export.Owner {
	return export.Owner{Printed: p.Account, Named: p.Options.Account}
}
