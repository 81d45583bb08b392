package htmlexport

import (
	"bytes"
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// maxTopics bounds the cache of an export's topics: some tens of megabytes.
const maxTopics = 1 << 20

// topicElsewhere is the topic in which a message of another page is; empty if it is in none, or the page is not there. Pages do not
// repeat what those before them say of topics, so the first that asks has all of them looked through, once for all.
func (p *session) topicElsewhere(ctx context.Context, e *markup.Element, id event.NativeID) (event.NativeID, error) {
	if _, ok := pageNumber(path.Base(p.File.Path)); !ok || p.File.Beside == nil || !leadsElsewhere(e) {
		return "", nil
	}
	n, err := strconv.ParseInt(string(id), 10, 64)
	if err != nil {
		return "", nil
	}
	topics, err := p.cache.topicsOf(ctx, p.File)
	if topic, ok := topics[n]; ok {
		return event.NativeID(strconv.FormatInt(topic, 10)), err
	}
	return "", err
}

// leadsElsewhere reports whether the link in an element leads to another page.
func leadsElsewhere(e *markup.Element) bool {
	for c := range e.All() {
		if file, _, ok := strings.Cut(c.Attr("href"), "#go_to_message"); ok {
			_, numbered := pageNumber(file)
			return numbered
		}
	}
	return false
}

// topicsOf returns the topics of all messages of a page's export, those of the messages that opened them included.
func (s *Cache) topicsOf(ctx context.Context, f producers.File) (map[int64]int64, error) {
	where := path.Dir(f.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if topics, ok := s.topics[where]; ok {
		return topics, nil
	}
	topics, in := map[int64]int64{}, new(scanner)
	for n := 1; n < mostPages && readTopics(ctx, f, n, in, topics); n++ {
		continue
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.topics == nil || len(s.topics) >= maxCached {
		s.topics = map[string]map[int64]int64{}
	}
	s.topics[where] = topics
	return topics, nil
}

// readTopics adds the topics of a page. False if there is no such page. Until a topic was opened, nothing but service messages matters.
func readTopics(ctx context.Context, f producers.File, number int, in *scanner, topics map[int64]int64) bool {
	r, err := f.Beside(pageName(number))
	if err != nil {
		return false
	}
	defer func() { _ = r.Close() }() // it was only read
	in.reset(filekit.ContextReader(ctx, r))
	for {
		if len(topics) == 0 {
			if err := in.seek(serviceTag); err != nil {
				return false
			}
		}
		raw, whole, err := in.next()
		if err != nil || len(raw) == 0 {
			return err == nil
		}
		if len(topics) < maxTopics {
			noteTopic(raw, topics)
		}
		if whole {
			in.discard(len(raw))
		} else if in.skip() != nil {
			return false
		}
	}
}

// noteTopic adds a message that opened a topic, or that answers one of a topic.
func noteTopic(raw []byte, topics map[int64]int64) {
	id, ok := numberAfter(raw, `id="message`)
	if !ok || !bytes.HasPrefix(raw, []byte(MessageTag)) {
		return
	}
	if bytes.HasPrefix(raw, []byte(serviceTag)) {
		if root, _, err := markup.Parse(string(raw)); err == nil && readSentence(serviceText(root)).Native == "topic_created" {
			topics[id] = id
		}
		return
	}
	_, reply, ok := bytes.Cut(raw, []byte(`class="reply_to`))
	if !ok || len(topics) == 0 {
		return
	}
	reply, _, _ = bytes.Cut(reply, []byte("</div"))
	if to, ok := numberAfter(reply, "#go_to_message"); ok {
		if topic, ok := topics[to]; ok {
			topics[id] = topic
		}
	}
}

// numberAfter is the number behind the first of some words.
func numberAfter(b []byte, words string) (int64, bool) {
	_, after, ok := bytes.Cut(b, []byte(words))
	end := bytes.IndexFunc(after, func(r rune) bool { return (r < '0' || r > '9') && r != '-' })
	if !ok || end <= 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(after[:end]), 10, 64)
	return n, err == nil
}
