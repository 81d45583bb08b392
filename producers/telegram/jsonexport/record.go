package jsonexport

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// record is a message as the exporter writes it. What has no field here is in details, if it is a plain value.
type record struct {
	id, kind               string // kind: message, service, unsupported
	date, unix             string
	edited, editedUnix     string
	from, fromID           string
	text                   string
	links                  []string
	mentions               []mention
	replyTo, replyPeer     string
	forwarded              bool
	forwardFrom, forwardID string
	photo, file, fileName  string
	mediaType, mime        string
	photoBytes, fileBytes  int64
	width, height          int
	seconds                float64
	poll                   *poll
	reactions              []reaction
	action, target         string
	title, newTitle        string
	members                []string
	details                map[string]string
	hasText, hasPhoto      bool
	linksStated            bool // links are all that the text has
}

// isLike reports whether two readings of one record have the same parts: not so in a charset whose bytes look like brackets.
func (r *record) isLike(o *record) bool {
	return (r.poll == nil) == (o.poll == nil) && slices.EqualFunc(r.reactions, o.reactions, func(a, b reaction) bool {
		return len(a.recent) == len(b.recent)
	})
}

type mention struct{ id, name string }

type poll struct {
	question string
	closed   bool
	voters   int
	options  []pollOption
}

// event is nil where there is no poll.
func (p *poll) event() *event.Poll {
	if p == nil {
		return nil
	}
	out := &event.Poll{Question: p.question, Closed: p.closed, Voters: p.voters}
	for _, o := range p.options {
		out.Options = append(out.Options, event.PollOption{Text: o.text, Votes: o.votes})
	}
	return out
}

type pollOption struct {
	text  string
	votes int
}

type reaction struct {
	kind, emoji, document string
	count                 int
	recent                []recent
}

type recent struct{ from, fromID, date string }

// decoder reads messages. It is used by one session, one value after the other.
type decoder struct {
	*jsonscan.Decoder
	marks export.MarkedLinks // of the text that is being read
}

func newDecoder() *decoder { return &decoder{Decoder: jsonscan.NewDecoder()} }

// text reads a value by itself; empty if it is no plain value.
func (d *decoder) text(raw []byte) string {
	if bytes.Contains(raw, []byte(`\x`)) {
		raw = repairEscapes(raw)
	}
	d.Reset(jsonscan.ValidUTF8(raw))
	s, _ := d.Text() // what cannot be read is not known
	return s
}

// member reads one member of an object by itself.
func (d *decoder) member(raw []byte, name string) (value string, err error) {
	d.Reset(jsonscan.ValidUTF8(raw))
	err = d.Object(func(key []byte) error {
		if string(key) != name {
			return d.Skip()
		}
		value, err = d.Text()
		return err
	})
	return value, err
}

var errNoID = errors.New("the record has neither an id nor a date")

// record reads a message, which is UTF-8. Repairs are tried only on what needs them: nearly nothing does.
func (d *decoder) record(raw []byte) (*record, error) {
	if bytes.Contains(raw, []byte(`\x`)) {
		raw = repairEscapes(raw)
	}
	r, err := d.try(raw)
	if err != nil {
		if repaired := repairPaths(raw); !bytes.Equal(repaired, raw) {
			r, err = d.try(repaired)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if r.id == "" && r.date == "" && r.unix == "" {
		return nil, errNoID
	}
	return r, nil
}

func (d *decoder) try(raw []byte) (*record, error) {
	d.Reset(raw)
	r := new(record)
	if err := d.Object(func(key []byte) error { return d.field(r, key) }); err != nil {
		return nil, err
	}
	return r, nil
}

// count reads a whole number into n, which stays what it is if there is something else.
func (d *decoder) count(n *int) error {
	v, err := d.Text()
	if err != nil {
		return err
	}
	if i, err := strconv.Atoi(v); err == nil {
		*n = i
	}
	return nil
}

// plain reads a value by itself; empty if it is no plain value.
func (d *decoder) plain(chars *charset.Decoder, raw []byte) export.Text {
	text, key, label := export.Decode(chars, raw)
	v := export.Text{Text: d.text(text), Charset: label}
	if key != nil {
		v.Key = d.text(key)
	}
	return v
}

// repairEscapes turns escapes in the manner of C (\x1F), which the exporter writes for control characters and which no JSON
// has, into JSON's own. A backslash that is itself escaped escapes nothing.
func repairEscapes(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+64)
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			continue
		}
		if raw[i+1] == 'x' && i+3 < len(raw) && isHex(raw[i+2]) && isHex(raw[i+3]) {
			out = append(out, '\\', 'u', '0', '0', raw[i+2], raw[i+3])
			i += 3
			continue
		}
		out = append(out, raw[i], raw[i+1])
		i++
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// repairPaths puts the quotation marks around document_id that one version of the exporter forgot, when it writes there the
// path of a file, or why there is none.
func repairPaths(raw []byte) []byte {
	key := []byte(`"document_id":`)
	var out []byte
	for {
		i := bytes.Index(raw, key)
		if i < 0 {
			return append(out, raw...)
		}
		out = append(out, raw[:i+len(key)]...)
		raw = raw[i+len(key):]
		rest := bytes.TrimLeft(raw, " \t")
		end := bytes.IndexAny(rest, ",}\r\n")
		if end <= 0 || rest[0] == '"' || export.IsNumber(string(rest[:end])) {
			continue
		}
		out = append(out, '"')
		out = append(out, bytes.ReplaceAll(bytes.TrimRight(rest[:end], " \t"), []byte(`"`), []byte(`\"`))...)
		out = append(out, '"')
		raw = rest[end:]
	}
}
