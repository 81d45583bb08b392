package fact

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// The writer puts out what encoding/json would, byte for byte (a test compares them), in half the time and without a piece of memory a message. Only messages
// and editions are many; the rest it leaves to encoding/json.

func appendBatch(b []byte, f *Batch) ([]byte, error) {
	slim := *f
	slim.Messages, slim.Versions = nil, nil
	frame, err := json.Marshal(&slim)
	if err != nil {
		return nil, err
	}
	lists := len(frame) - 1 // the place of messages and versions, in front of all other lists
	if rest := len(f.Reactions) + len(f.Memberships) + len(f.Channels) + len(f.Identities); rest > 0 {
		slim.Reactions, slim.Memberships, slim.Channels, slim.Identities = nil, nil, nil, nil
		head, err := json.Marshal(&slim)
		if err != nil {
			return nil, err
		}
		lists = len(head) - 1
	}
	b = append(b, frame[:lists]...)
	if b, err = appendList(b, `,"messages":[`, f.Messages, appendMessage); err != nil {
		return nil, err
	}
	if b, err = appendList(b, `,"versions":[`, f.Versions, appendEdition); err != nil {
		return nil, err
	}
	return append(b, frame[lists:]...), nil
}

func appendList[T any](b []byte, key string, list []T, one func([]byte, *T) ([]byte, error)) (_ []byte, err error) {
	if len(list) == 0 {
		return b, nil
	}
	b = append(b, key...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = one(b, &list[i]); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendMessage(b []byte, m *Message) (_ []byte, err error) {
	b = appendField(b, `{"thing":`, m.Thing)
	b = appendField(b, `,"external_id":`, m.ExternalID)
	b = appendField(b, `,"kind":`, m.Kind)
	b = appendOptional(b, `,"author_key":`, m.AuthorKey)
	b = appendOptional(b, `,"author":`, m.Author)
	b = appendOptional(b, `,"author_name":`, m.AuthorName)
	if b, err = appendTime(b, `,"sent_at":`, m.SentAt); err != nil {
		return nil, err
	}
	b = strconv.AppendUint(append(b, `,"precision":`...), uint64(m.Precision), 10)
	b = appendTrue(b, `,"assumed":true`, m.Assumed)
	b = appendOptional(b, `,"text":`, m.Text)
	b = appendField(b, `,"revision":`, m.Revision)
	if b, err = appendTime(b, `,"edited_at":`, m.EditedAt); err != nil {
		return nil, err
	}
	b = appendTrue(b, `,"deleted":true`, m.Deleted)
	if b, err = appendTime(b, `,"deleted_at":`, m.DeletedAt); err != nil {
		return nil, err
	}
	b = appendOptional(b, `,"reply_to":`, m.ReplyTo)
	b = appendOptional(b, `,"thread":`, m.Thread)
	b = appendTrue(b, `,"forwarded":true`, m.Forwarded)
	b = appendOptional(b, `,"action":`, m.Action)
	b = appendStrings(b, `,"media":[`, m.Media)
	b = appendStrings(b, `,"links":[`, m.Links)
	b = appendStrings(b, `,"hashtags":[`, m.Hashtags)
	b = appendStrings(b, `,"mentions":[`, m.Mentions)
	b = appendStrings(b, `,"accounts":[`, m.Accounts)
	b = strconv.AppendUint(append(b, `,"sequence":`...), m.Sequence, 10)
	return append(b, '}'), nil
}

func appendEdition(b []byte, e *Edition) (_ []byte, err error) {
	b = appendField(b, `{"event":`, e.Event)
	b = appendField(b, `,"thing":`, e.Thing)
	b = appendField(b, `,"kind":`, e.Kind)
	b = appendField(b, `,"revision":`, e.Revision)
	if b, err = appendTime(b, `,"sent_at":`, e.SentAt); err != nil {
		return nil, err
	}
	b = strconv.AppendUint(append(b, `,"sequence":`...), e.Sequence, 10)
	return append(b, '}'), nil
}

func appendTrue(b []byte, field string, v bool) []byte {
	if !v {
		return b
	}
	return append(b, field...)
}

func appendTime(b []byte, key string, t *time.Time) ([]byte, error) {
	if t == nil {
		return b, nil
	}
	b, err := t.AppendText(append(append(b, key...), '"'))
	if err != nil {
		return nil, fmt.Errorf("encoding a time: %w", err)
	}
	return append(b, '"'), nil
}

func appendStrings(b []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, key...)
	for i, s := range list {
		comma := ","
		if i == 0 {
			comma = ""
		}
		b = appendField(b, comma, s)
	}
	return append(b, ']')
}

func appendOptional(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendField(b, key, s)
}

func appendField(b []byte, key, s string) []byte {
	b = append(append(b, key...), '"')
	begun := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
				b = appendEscape(append(b, s[begun:i]...), c)
				begun = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[begun:i]...), `\ufffd`...)
			begun = i + size
		case r == '\u2028' || r == '\u2029': // they end lines in JavaScript
			b = append(append(b, s[begun:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xf])
			begun = i + size
		}
		i += size
	}
	b = append(b, s[begun:]...)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
