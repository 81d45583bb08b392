package htmlexport

import (
	"context"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/jsonexport"
)

// sidecarName is how the exporter calls its JSON, which newer versions write beside the pages.
const sidecarName = "result.json"

// Cache holds what is beside pages: an account's JSON is read in the whole to find its chats, once for all pages.
type Cache struct {
	mu   sync.Mutex
	read map[string]*jsonexport.Outline

	topics map[string]map[int64]int64 // of the pages in a folder
}

// maxCached bounds the cache: an import has few exports, each of some thousand chats.
const maxCached = 16

// outline returns what the JSON says that is at rel from the folder of a file; nil if there is none. Only the end of ctx is an error.
func (s *Cache) outline(ctx context.Context, f producers.File, rel, charset string) (*jsonexport.Outline, error) {
	if f.Beside == nil {
		return nil, nil
	}
	where := path.Join(path.Dir(f.Path), rel)
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, ok := s.read[where]; ok {
		return x, nil
	}
	x := jsonexport.ReadOutline(ctx, func() (io.ReadCloser, error) { return f.Beside(rel) }, charset)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.read == nil || len(s.read) >= maxCached {
		s.read = map[string]*jsonexport.Outline{}
	}
	s.read[where] = x
	return x, nil
}

// shownAs is how pages call a chat. Those without a name are called by what they are.
func shownAs(c *export.Chat) string {
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
	return sameName(export.DeletedAccount)
}

// sameName brings names together that pages and JSON print with other spaces and, of the exporter's own, other capitals.
func sameName(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// chatNamed returns the chat that a page calls by a name, if only one is called so.
func chatNamed(x *jsonexport.Outline, name string) (found export.Chat, ok bool) {
	for _, c := range x.Chats {
		if c.Peer == "" || shownAs(&c) != sameName(name) {
			continue
		}
		if ok {
			return export.Chat{}, false
		}
		found, ok = c, true
	}
	return found, ok
}

// listedAs returns the chat whose pages are in a folder. Namesakes are distinguished by their order, which is that of the account's list of
// pages, where the two lists have the same names all through.
func listedAs(x *jsonexport.Outline, list []listedChat, folder string) (found export.Chat, ok bool) {
	if len(list) != len(x.Chats) {
		return export.Chat{}, false
	}
	for i, c := range x.Chats {
		if shownAs(&c) != sameName(list[i].name) {
			return export.Chat{}, false
		}
		if list[i].folder == folder && c.Peer != "" {
			found, ok = c, true
		}
	}
	return found, ok
}
