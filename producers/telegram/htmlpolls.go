package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// pollResults takes the results of the message's poll out of the message, and returns them as an event of their own; nil without a
// poll. Without a time they stay in the message.
func (m *pageMessage) pollResults(ctx context.Context) (*event.Event, error) {
	p := m.body.Poll
	if p == nil || m.at.IsZero() {
		return nil, nil
	}
	if err := m.observe(ctx); err != nil {
		return nil, err
	}
	changed := changedAt(m.Observed, m.ObservedUnnamed)
	e, err := producers.PollResults(m.id, p, m.clock.instant(m.Observed, m.ObservedUnnamed), changed)
	if err != nil {
		return nil, err
	}
	if m.key != nil {
		if media := m.key.find("media_poll"); media != nil {
			k, err := producers.PollResults(m.id, readPoll(media), e.Sent, changed)
			if err != nil {
				return nil, err
			}
			e.Revision = k.Revision
		}
	}
	e.Namespace, e.Reading.Charset = m.ns, m.charset
	m.body.Poll = p.WithoutResults()
	return &e, nil
}

// observe finds the time of the newest message of the export. A page does not say when it was made, and a full page has the same
// last message in every later export: the last page dates the results of all.
func (p *page) observe(ctx context.Context) error {
	if !p.Observed.IsZero() {
		return nil
	}
	if last := p.lastPage(); last != "" {
		at, unnamed, err := p.newestIn(ctx, func() (io.ReadCloser, error) { return p.file.Beside(last) })
		if ctx.Err() != nil {
			return err
		}
		if err == nil && !at.IsZero() {
			p.Observed, p.ObservedUnnamed = at, unnamed
			return nil
		}
	}
	at, unnamed, err := p.newestIn(ctx, p.file.Open) // also where the last page cannot be read
	if err != nil {
		return err
	}
	p.Observed, p.ObservedUnnamed = at, unnamed
	return nil
}

// lastPage is the name of the last page of the export; empty if that is this one, or unknown. Pages are numbered without gaps.
func (p *page) lastPage() string {
	own, ok := pageNumber(path.Base(p.file.Path))
	if !ok || p.file.Beside == nil {
		return ""
	}
	last, missing := own, own+1
	for step := 1; p.hasPage(missing); step *= 2 {
		last, missing = missing, missing+step
	}
	for last+1 < missing {
		if middle := last + (missing-last)/2; p.hasPage(middle) {
			last = middle
		} else {
			missing = middle
		}
	}
	if last == own {
		return ""
	}
	return pageName(last)
}

// mostPages bounds the search; a page has a thousand messages.
const mostPages = 1 << 20

func (p *page) hasPage(n int) bool {
	if n > mostPages {
		return false
	}
	r, err := p.file.Beside(pageName(n))
	if err != nil {
		return false
	}
	_ = r.Close() // nothing was read
	return true
}

// pageNumber is which page of an export a file is: messages.html is the first, messages2.html the second.
func pageNumber(name string) (int, bool) {
	if name == pageName(1) {
		return 1, true
	}
	digits, ok := strings.CutPrefix(strings.TrimSuffix(name, ".html"), "messages")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 1 && n < mostPages && name == pageName(n)
}

func pageName(n int) string {
	if n == 1 {
		return "messages.html"
	}
	return "messages" + strconv.Itoa(n) + ".html"
}

// newestIn reads the times of all messages of a page, and returns the latest, and as it is read where no zone is named.
func (p *page) newestIn(ctx context.Context, open func() (io.ReadCloser, error)) (latest, unnamed time.Time, err error) {
	r, err := open()
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("opening a page to find its newest message: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	in, clock := &pieces{r: r, line: 1}, page{archive: p.archive, clock: p.clock, pageState: pageState{Zone: p.Zone}}
	for {
		if err := ctx.Err(); err != nil {
			return time.Time{}, time.Time{}, fmt.Errorf("reading a page to find its newest message: %w", err)
		}
		raw, whole, err := in.next()
		if err != nil {
			return time.Time{}, time.Time{}, err
		}
		if len(raw) == 0 {
			return latest, unnamed, nil
		}
		if at := clock.timeOf(raw, latest); at.At.After(latest) {
			latest, unnamed = at.At, at.unnamed
		}
		if whole {
			in.pass(len(raw))
		} else if err := in.skip(); err != nil {
			return time.Time{}, time.Time{}, err
		}
	}
}

// timeOf is when the message at the start of raw was sent; of a date between messages, the start of that day.
func (p *page) timeOf(raw []byte, after time.Time) moment {
	if !bytes.HasPrefix(raw, []byte(messageTag)) {
		return moment{}
	}
	if bytes.HasPrefix(raw, []byte(serviceTag)) {
		root, _, err := parseElement(string(raw))
		if err != nil || !strings.HasPrefix(root.attr("id"), "message-") {
			return moment{}
		}
		p.Day = serviceText(root)
		return p.dayMoment()
	}
	_, title, _ := bytes.Cut(raw, []byte(`date details" title="`))
	title, _, _ = bytes.Cut(title, []byte(`"`))
	at, _ := p.clock.readTitle(string(title), after)
	return at
}
