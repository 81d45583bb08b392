package htmlexport

import (
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
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// pollResults takes the results of the message's poll out of the message, and returns them as an event of their own; nil without a
// poll. Without a time they stay in the message.
func (m *message) pollResults(ctx context.Context) (*event.Event, error) {
	p := m.body.Poll
	if p == nil || m.at.IsZero() {
		return nil, nil
	}
	if err := m.observe(ctx); err != nil {
		return nil, err
	}
	changed := export.ChangedAt(m.Observed, m.ObservedUnnamed)
	e, err := producers.PollResults(m.id, p, m.clock.Instant(m.Observed, m.ObservedUnnamed), changed)
	if err != nil {
		return nil, err
	}
	if m.key != nil {
		if media := m.key.Find("media_poll"); media != nil {
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
func (p *session) observe(ctx context.Context) error {
	if !p.Observed.IsZero() {
		return nil
	}
	days := dayClock{clock: p.clock, zone: p.Zone}
	if last := lastPage(p.File); last != "" {
		at, unnamed, err := newestIn(ctx, days, func() (io.ReadCloser, error) { return p.File.Beside(last) })
		if ctx.Err() != nil {
			return err
		}
		if err == nil && !at.IsZero() {
			p.Observed, p.ObservedUnnamed = at, unnamed
			return nil
		}
	}
	at, unnamed, err := newestIn(ctx, days, p.File.Open) // also where the last page cannot be read
	if err != nil {
		return err
	}
	p.Observed, p.ObservedUnnamed = at, unnamed
	return nil
}

// lastPage is the name of the last page of the export; empty if that is this one, or unknown. Pages are numbered without gaps.
func lastPage(f producers.File) string {
	own, ok := pageNumber(path.Base(f.Path))
	if !ok || f.Beside == nil {
		return ""
	}
	last, missing := own, own+1
	for step := 1; hasPage(f, missing); step *= 2 {
		last, missing = missing, missing+step
	}
	for last+1 < missing {
		if middle := last + (missing-last)/2; hasPage(f, middle) {
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

func hasPage(f producers.File, n int) bool {
	if n > mostPages {
		return false
	}
	r, err := f.Beside(pageName(n))
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
func newestIn(ctx context.Context, days dayClock, open func() (io.ReadCloser, error)) (latest, unnamed time.Time, err error) {
	r, err := open()
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("opening a page to find its newest message: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	in := &scanner{r: r, line: 1}
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
		if at := days.timeOf(raw, latest); at.At.After(latest) {
			latest, unnamed = at.At, at.Printed
		}
		if whole {
			in.advance(len(raw))
		} else if err := in.skip(); err != nil {
			return time.Time{}, time.Time{}, err
		}
	}
}
