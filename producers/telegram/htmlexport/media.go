package htmlexport

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// attach notes what hangs on the message: files, and what Telegram shows like one.
func (m *message) attach(ctx context.Context, body *markup.Element) error {
	for wrap := body.First; wrap != nil; wrap = wrap.Next {
		if wrap.Tag == "" || !wrap.Is("media_wrap") {
			continue
		}
		for e := wrap.First; e != nil; e = e.Next {
			if e.Tag == "" {
				continue
			}
			if err := m.mediaElement(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// mediaElement makes of one what it is, by its class.
func (m *message) mediaElement(ctx context.Context, e *markup.Element) error {
	for class, kind := range shownMedia() {
		if e.Is(class) {
			a := event.Attachment{Kind: kind, Seconds: seconds(e.Child("video_duration").Words())}
			return m.file(ctx, a, e.Attr("href"))
		}
	}
	title, description, status := e.Find("title").Words(), e.Find("description").Words(), e.Find("status").Words()
	switch {
	case e.Is("media_poll"):
		m.body.Poll = readPoll(e)
		return nil
	case e.Is("media_call"):
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
		return m.file(ctx, a, e.Attr("href"))
	}
	m.other(e, title, description, status)
	return nil
}

// shownMedia are the classes of files that the page shows, with what JSON calls them.
func shownMedia() map[string]string {
	return map[string]string{
		"photo_wrap": "photo", "sticker_wrap": "sticker", "animated_wrap": "animation", "video_file_wrap": "video",
	}
}

// listedKind is what JSON calls a file that the page only lists; empty for what is no file.
func listedKind(e *markup.Element, title string) string {
	switch {
	case e.Is("media_photo") && title == "Sticker":
		return "sticker"
	case e.Is("media_photo"):
		return "photo"
	case e.Is("media_video") && title == "Animation":
		return "animation"
	case e.Is("media_video") && title == "Video message":
		return "video_message"
	case e.Is("media_video"):
		return "video"
	case e.Is("media_voice_message"):
		return "voice"
	case e.Is("media_audio_file"):
		return "audio"
	case e.Is("media_file"):
		return "file"
	}
	return ""
}

// file says where a file is, from the page's own folder: an account's pages name it from the root of the export.
func (m *message) file(ctx context.Context, a event.Attachment, where string) error {
	if where != "" {
		here := path.Dir(m.session.File.Path)
		if rel, ok := strings.CutPrefix(path.Join(here, where), here+"/"); ok {
			where = rel
		}
	}
	missing := a.Missing
	if err := m.media.Locate(ctx, &a, where); err != nil {
		return err
	}
	if a.Missing == "" {
		a.Missing = missing
	}
	m.body.Attachments = append(m.body.Attachments, a)
	return nil
}

// other keeps what is no file under the names that JSON has for it.
func (m *message) other(e *markup.Element, title, description, status string) {
	note := func(key, value string) {
		if value != "" {
			m.detail(key, value)
		}
	}
	switch {
	case e.Is("media_contact"):
		note("contact.name", title)
		phone, _ := strings.CutSuffix(status, " - vCard")
		note("contact.phone_number", phone)
	case e.Is("media_location"), e.Is("media_live_location"), e.Is("media_venue"):
		note("place_name", strings.TrimSpace(venue(e, title)))
		note("address", description)
		if lat, long, ok := coordinates(e.Attr("href")); ok {
			note("location.latitude", lat)
			note("location.longitude", long)
		}
	default:
		kind := "media"
		for _, class := range strings.Fields(e.Attr("class")) {
			if k, ok := strings.CutPrefix(class, "media_"); ok {
				kind = k
			}
		}
		note(kind+".title", title)
		note(kind+".description", description)
		note(kind+".status", status)
	}
}

func venue(e *markup.Element, title string) string {
	if e.Is("media_venue") {
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

// readPoll reads a poll. The votes follow each answer.
func readPoll(e *markup.Element) *event.Poll {
	p := &event.Poll{Question: e.Child("question").Words()}
	for c := e.First; c != nil; c = c.Next {
		switch {
		case c.Tag == "":
		case c.Is("answer"):
			text := strings.TrimPrefix(c.Words("details"), "- ")
			p.Options = append(p.Options, event.PollOption{Text: text, Votes: number(c.Child("details").Words())})
		case c.Is("total"):
			p.Voters = number(c.Words())
		case c.Is("details"):
			p.Closed = c.Words() == "Final results"
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
