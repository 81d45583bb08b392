// Package corpus makes chats for measurements: archives in every format, and a live source with a steady rate.
//
// It promises that a corpus is the same on every machine for one size and seed, in whatever format. It measures nothing.
package corpus

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Corpus is a generated chat.
type Corpus struct {
	Messages int
	Bytes    int // of a message in a Telegram Desktop export, in the mean
	Seed     uint64
}

// Made is what a corpus came to.
type Made struct {
	Messages  int   `json:"messages"`
	Russian   int   `json:"russian"`
	Replies   int   `json:"replies"`
	Edited    int   `json:"edited"`
	Reactions int   `json:"reactions"` // messages that have some
	Marked    int   `json:"marked"`    // messages of which a part is marked: a link, a hashtag, bold
	Bytes     int64 `json:"bytes"`
	TextBytes int64 `json:"text_bytes"`
}

// Format is how an archive is written.
type Format string

// The formats. What one cannot carry is left out: WhatsApp has no ids, replies or reactions, a Discord table no replies, a
// Telegram page no edits.
const (
	Telegram     Format = "telegram"
	TelegramHTML Format = "telegram-html"
	WhatsApp     Format = "whatsapp"
	Discord      Format = "discord"
	DiscordCSV   Format = "discord-csv"
	Slack        Format = "slack"
	// Lines is JSON, a message a line: what other programs read. It is no archive of ours.
	Lines Format = "lines"
)

// Formats are the archives that a corpus can be written as.
func Formats() []Format {
	return []Format{Telegram, TelegramHTML, WhatsApp, Discord, DiscordCSV, Slack}
}

// layout writes messages as one format does.
type layout interface {
	begin()
	message(m *message)
	end()
}

// of returns how a format lays messages out, and the file that it begins with. The seed makes the chat's id.
func (f Format) of(s *fileWriter, seed uint64) (l layout, first string) {
	switch f {
	case Telegram:
		return &telegram{fileWriter: s, seed: seed}, "result.json"
	case TelegramHTML:
		return &pages{fileWriter: s}, "messages.html"
	case WhatsApp:
		return &whatsapp{fileWriter: s}, "_chat.txt"
	case Discord:
		return &discord{fileWriter: s}, "bench [" + discordChannel + "].json"
	case DiscordCSV:
		return &discordTable{fileWriter: s}, "bench [" + discordChannel + "].csv"
	case Slack:
		return &slack{fileWriter: s}, "users.json"
	case Lines:
		return &lines{fileWriter: s}, "messages.jsonl"
	}
	return nil, ""
}

// Write writes the corpus as one Telegram Desktop export while it is made: it holds one message at a time.
func (c Corpus) Write(to io.Writer) (Made, error) {
	s := newFileWriter("")
	s.into(to)
	return c.write(&telegram{fileWriter: s, seed: c.Seed}, s)
}

// Make writes the corpus in a format into a folder, which it makes, and syncs it: what is still to be written would slow down
// whoever reads it. path is what there is to import: a file, or the folder where an export is one.
func (c Corpus) Make(f Format, dir string) (m Made, path string, err error) {
	if f != Lines && !slices.Contains(Formats(), f) {
		return Made{}, "", fmt.Errorf("making a corpus: there is no format %q", f)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Made{}, "", fmt.Errorf("making the folder of a corpus: %w", err)
	}
	s := newFileWriter(dir)
	l, first := f.of(s, c.Seed)
	s.turn(first)
	if m, err = c.write(l, s); err != nil {
		return Made{}, "", fmt.Errorf("making %s: %w", filepath.Join(dir, first), err)
	}
	if f == TelegramHTML || f == Slack {
		return m, dir, nil
	}
	return m, filepath.Join(dir, first), nil
}

func (c Corpus) write(l layout, s *fileWriter) (Made, error) {
	t := newGenerator(c)
	l.begin()
	for range c.Messages {
		l.message(t.next())
	}
	l.end()
	if err := s.done(); err != nil {
		return Made{}, fmt.Errorf("writing the corpus: %w", err)
	}
	t.made.Bytes = s.bytes
	return t.made, nil
}

// newGenerator begins a conversation that is the same every time.
func newGenerator(c Corpus) *generator {
	r := rand.New(rand.NewPCG(c.Seed, 0x62656e6368))
	return &generator{Corpus: c, rand: r, russian: russian(r), english: english(r), people: rand.NewZipf(r, 1.2, 3, people-1), now: firstDay()}
}
