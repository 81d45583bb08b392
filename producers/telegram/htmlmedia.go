package telegram

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// attach notes what hangs on the message: files, and what Telegram shows like one.
func (m *pageMessage) attach(ctx context.Context, body *element) error {
	for wrap := body.first; wrap != nil; wrap = wrap.next {
		if wrap.tag == "" || !wrap.is("media_wrap") {
			continue
		}
		for e := wrap.first; e != nil; e = e.next {
			if e.tag == "" {
				continue
			}
			if err := m.medium(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// medium makes of one what it is, by its class.
func (m *pageMessage) medium(ctx context.Context, e *element) error {
	for class, kind := range shownMedia() {
		if e.is(class) {
			a := event.Attachment{Kind: kind, Seconds: seconds(e.child("video_duration").words())}
			return m.file(ctx, a, e.attr("href"))
		}
	}
	title, description, status := e.find("title").words(), e.find("description").words(), e.find("status").words()
	switch {
	case e.is("media_poll"):
		m.body.Poll = readPoll(e)
		return nil
	case e.is("media_call"):
		m.body.Type = event.TypeService
		m.body.Service = &event.Service{Action: event.ActionCall, Native: "phone_call", Text: status}
		return nil
	}
	if kind := listedKind(e, title); kind != "" {
		a := event.Attachment{Kind: kind, Missing: strings.TrimSuffix(description, ".")}
		if kind == "file" && title != "File" || kind == "audio" && title != "Audio file" {
			a.Name = title
		}
		a.Width, a.Height = dimensions(status)
		length, _, _ := strings.Cut(status, ",")
		a.Seconds = seconds(length)
		return m.file(ctx, a, e.attr("href"))
	}
	m.thing(e, title, description, status)
	return nil
}

// shownMedia are the classes of files that the page shows, with what JSON calls them.
func shownMedia() map[string]string {
	return map[string]string{
		"photo_wrap": "photo", "sticker_wrap": "sticker", "animated_wrap": "animation", "video_file_wrap": "video",
	}
}

// listedKind is what JSON calls a file that the page only lists; empty for what is no file.
func listedKind(e *element, title string) string {
	switch {
	case e.is("media_photo") && title == "Sticker":
		return "sticker"
	case e.is("media_photo"):
		return "photo"
	case e.is("media_video") && title == "Animation":
		return "animation"
	case e.is("media_video") && title == "Video message":
		return "video_message"
	case e.is("media_video"):
		return "video"
	case e.is("media_voice_message"):
		return "voice"
	case e.is("media_audio_file"):
		return "audio"
	case e.is("media_file"):
		return "file"
	}
	return ""
}

// file says where a file is, from the page's own folder: an account's pages name it from the root of the export.
func (m *pageMessage) file(ctx context.Context, a event.Attachment, where string) error {
	if where != "" {
		here := path.Dir(m.page.file.Path)
		if rel, ok := strings.CutPrefix(path.Join(here, where), here+"/"); ok {
			where = rel
		}
	}
	missing := a.Missing
	if err := m.media.locate(ctx, &a, where); err != nil {
		return err
	}
	if a.Missing == "" {
		a.Missing = missing
	}
	m.body.Attachments = append(m.body.Attachments, a)
	return nil
}

// thing keeps what is no file under the names that JSON has for it.
func (m *pageMessage) thing(e *element, title, description, status string) {
	note := func(key, value string) {
		if value != "" {
			m.detail(key, value)
		}
	}
	switch {
	case e.is("media_contact"):
		note("contact.name", title)
		phone, _ := strings.CutSuffix(status, " - vCard")
		note("contact.phone_number", phone)
	case e.is("media_location"), e.is("media_live_location"), e.is("media_venue"):
		note("place_name", strings.TrimSpace(venue(e, title)))
		note("address", description)
		if lat, long, ok := coordinates(e.attr("href")); ok {
			note("location.latitude", lat)
			note("location.longitude", long)
		}
	default:
		kind := "media"
		for _, class := range strings.Fields(e.attr("class")) {
			if k, ok := strings.CutPrefix(class, "media_"); ok {
				kind = k
			}
		}
		note(kind+".title", title)
		note(kind+".description", description)
		note(kind+".status", status)
	}
}

func venue(e *element, title string) string {
	if e.is("media_venue") {
		return title
	}
	return "" // "Location" says nothing
}

// coordinates reads the address of a map.
func coordinates(href string) (lat, long string, ok bool) {
	_, q, ok := strings.Cut(href, "?q=")
	q, _, _ = strings.Cut(q, "&")
	lat, long, both := strings.Cut(q, ",")
	for _, n := range []string{lat, long} {
		if _, err := strconv.ParseFloat(n, 64); err != nil {
			return "", "", false
		}
	}
	return lat, long, ok && both
}

// seconds reads a length such as "01:02:03"; 0 if it is none.
func seconds(s string) float64 {
	total, parts := 0, strings.Split(strings.TrimSpace(s), ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0
	}
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 99999 {
			return 0
		}
		total = total*60 + n
	}
	return float64(total)
}

// dimensions reads a size such as "1280x720" before a comma.
func dimensions(status string) (width, height int) {
	size, _, _ := strings.Cut(status, ",")
	w, h, ok := strings.Cut(strings.ReplaceAll(size, "×", "x"), "x")
	if !ok {
		return 0, 0
	}
	width, errW := strconv.Atoi(strings.TrimSpace(w))
	height, errH := strconv.Atoi(strings.TrimSpace(h))
	if errW != nil || errH != nil || width < 0 || height < 0 {
		return 0, 0
	}
	return width, height
}

// readPoll reads a poll. The votes stand behind each answer.
func readPoll(e *element) *event.Poll {
	p := &event.Poll{Question: e.child("question").words()}
	for c := e.first; c != nil; c = c.next {
		switch {
		case c.tag == "":
		case c.is("answer"):
			text := strings.TrimPrefix(c.words("details"), "- ")
			p.Options = append(p.Options, event.PollOption{Text: text, Votes: number(c.child("details").words())})
		case c.is("total"):
			p.Voters = number(c.words())
		case c.is("details"):
			p.Closed = c.words() == "Final results"
		}
	}
	return p
}

// number reads the digits that a text begins with.
func number(s string) int {
	digits := s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
