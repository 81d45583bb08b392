package difftest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/agrichat/agrichat/producers"
)

// Variant is one way to hand a chat over: in one export or two that overlap, in some encoding, packed or not, and what the user says of it.
type Variant struct {
	Chat     *Chat
	Layout   Layout
	Messages []Message   // that the layout carries
	Parts    [][]Message // of each export, as it shows them
	from, to int         // of two exports, where the second begins and the first ends
	Other    *Chat       // in the first export too; nil: it has one chat
	Encoding string
	Pack     string         // "", zip, gz
	Zone     *time.Location // that the user names; nil: none
	Charset  string         // that the user names
}

// String says what it is in one line.
func (v *Variant) String() string {
	zone := "no zone"
	if v.Zone != nil {
		zone = v.Zone.String()
	}
	return fmt.Sprintf("%s, %d exports, %s %q, %s, charset %q", v.Layout.Name, len(v.Parts), v.Encoding, v.Pack, zone, v.Charset)
}

// Variants makes a variant of each layout.
func Variants(c *Chat) []Variant {
	r := rand.New(rand.NewPCG(c.Seed, 0x766172))
	var out []Variant
	for _, l := range Layouts(c, r) {
		unnamed := r.IntN(4) == 0
		v := newVariant(c, l)
		if r.IntN(2) == 0 && !l.Parted {
			v.split(r)
		}
		if unnamed {
			v.Zone = nil
		}
		if l.several() && r.IntN(4) == 0 {
			v.Other = New(c.Seed + 1_000_001)
			v.Other.Zone, v.Other.Alphabet = c.Zone, max(c.Alphabet, v.Other.Alphabet)
			if v.Other.Alphabet != c.Alphabet {
				v.Other = nil
			}
		}
		v.encode(r)
		v.Pack = pick(r, "", "", "zip", "gz")
		if l.Source == "slack" || l.Binary { // their files are read together
			v.Pack = pick(r, "", "zip")
		}
		out = append(out, v)
	}
	return out
}

// Whole is one export of a chat, in UTF-8.
func Whole(c *Chat, l Layout) Variant {
	v := newVariant(c, l)
	v.Encoding = "utf-8"
	return v
}

// Halves are two exports of a chat without edits, in UTF-8, of which each holds two thirds of it.
func Halves(c *Chat, l Layout) Variant {
	l.Edits = EditsNone
	v := Whole(c, l)
	third := len(v.Messages) / 3
	v.from, v.to = third, 2*third
	v.Parts = make([][]Message, 2)
	v.part()
	return v
}

func newVariant(c *Chat, l Layout) Variant {
	v := Variant{Chat: c, Layout: l, Messages: l.carried(c.Messages), Zone: c.Zone}
	v.to = len(v.Messages)
	v.Parts = make([][]Message, 1)
	v.part()
	return v
}

func (v *Variant) shown(ms []Message, later bool) (out []Message) {
	for _, m := range ms {
		out = append(out, m.shown(later, v.Layout.Gone))
	}
	return out
}

// standing are the messages as the last export shows them that holds them.
func (v *Variant) standing() []Message {
	if len(v.Parts) == 1 {
		return v.Parts[0]
	}
	out := append(v.shown(v.Messages[:v.from], false), v.Parts[1]...)
	for i := v.from; i < v.to; i++ {
		if v.Messages[i].Before != "" && v.Layout.Edits == EditsDated {
			out[i].Versions = 2
		}
	}
	return out
}

// split makes two exports that meet or overlap. Neither is of one minute alone, nor is what it has of a day that it shows in part, which
// may be a file: it may be a copy of what the other has of that minute, which cannot be decided.
func (v *Variant) split(r *rand.Rand) {
	ms := v.Messages
	from := r.IntN(len(ms))
	to := max(from+r.IntN(len(ms)-from+1), 1)
	if !withinMinute(ms[:to]) && !withinMinute(ms[from:]) && !v.cutsDay(from, to) {
		v.from, v.to = from, to
		if v.Layout.Edits == EditsKeyed {
			v.settleEdits()
		}
		v.Parts = make([][]Message, 2)
		v.part()
	}
}

// cutsDay reports whether the second export, which begins at from, or the first, which ends at to, shows a day in part and of one minute alone.
func (v *Variant) cutsDay(from, to int) bool {
	ms := v.Messages
	day := func(i int) string { return ms[i].At.In(v.Zone).Format(time.DateOnly) }
	first, last := from, to-1
	for first+1 < len(ms) && day(first+1) == day(from) {
		first++
	}
	for last > 0 && day(last-1) == day(to-1) {
		last--
	}
	return from > 0 && day(from-1) == day(from) && withinMinute(ms[from:first+1]) ||
		to < len(ms) && day(to) == day(to-1) && withinMinute(ms[last:to])
}

// part fills the exports.
func (v *Variant) part() {
	if len(v.Parts) == 1 {
		v.Parts[0] = v.shown(v.Messages, true)
		return
	}
	v.Parts = [][]Message{v.shown(v.Messages[:v.to], false), v.shown(v.Messages[v.from:], true)}
}

// settleEdits leaves only edits of messages between two that both exports show alike: where nothing but the text distinguishes messages,
// another one at the edge may as well be another message, which cannot be decided.
func (v *Variant) settleEdits() {
	v.Messages = slices.Clone(v.Messages)
	ms := v.Messages
	same := func(i int) bool { return v.from <= i && i < v.to && ms[i].Before == "" }
	for i := range ms {
		if !same(i-1) || !same(i+1) {
			ms[i].Before, ms[i].Edited = "", time.Time{}
		}
	}
}

func withinMinute(ms []Message) bool {
	return ms[len(ms)-1].At.Truncate(time.Minute).Equal(ms[0].At.Truncate(time.Minute))
}

func (v *Variant) encode(r *rand.Rand) {
	v.Encoding = "utf-8"
	switch n := r.IntN(10); {
	case v.Layout.Binary:
	case n < 2:
		v.Encoding = "utf-8 bom"
	case n < 4:
		v.Encoding = pick(r, "utf-16le bom", "utf-16be bom")
	case n < 7 && v.Layout.Charset:
		v.Encoding = pick(r, v.charsets()...)
		if v.Encoding != "utf-8" && r.IntN(2) == 0 {
			v.Charset = v.Encoding
		}
		if v.Encoding != "utf-8" && v.Layout.Edits == EditsBare {
			v.dropEdits()
		}
	}
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// dropEdits leaves no edit between a text that is ASCII, which all charsets read alike, and one that is not: of two copies without the time
// of the edit the former is kept, and the store does not say that the other one differed. Known to be missing.
func (v *Variant) dropEdits() {
	v.Messages = slices.Clone(v.Messages)
	for i := range v.Messages {
		if m := &v.Messages[i]; m.Before != "" && ascii(m.Before) != ascii(m.Text) {
			m.Before, m.Edited = "", time.Time{}
		}
	}
	v.part()
}

// single are the single-byte charsets, by the names that --charset takes.
func single() map[string]encoding.Encoding {
	return map[string]encoding.Encoding{
		"windows-1251": charmap.Windows1251, "koi8-r": charmap.KOI8R, "ibm866": charmap.CodePage866,
		"windows-1252": charmap.Windows1252, "windows-1250": charmap.Windows1250,
	}
}

// charsets are those that hold all of the chat, or UTF-8.
func (v *Variant) charsets() []string {
	var names []string
	switch v.Chat.Alphabet {
	case Cyrillic:
		names = []string{"windows-1251", "koi8-r", "ibm866"}
	case Latin:
		names = []string{"windows-1252"}
	}
	out := []string{}
	encoding := v.Encoding
	v.Encoding = "utf-8"
	defer func() { v.Encoding = encoding }()
	for _, name := range names {
		ok := true
		for i := range v.Parts {
			for _, f := range v.files(i) {
				b, err := single()[name].NewEncoder().Bytes(f.Data)
				ok = ok && err == nil && !likeUTF8(b)
			}
		}
		if ok {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return []string{"utf-8"}
	}
	return out
}

// likeUTF8 reports whether some word, whose bytes are of another charset, could be UTF-8 by chance, as "раз" in code page 866, which cannot be decided.
func likeUTF8(b []byte) bool {
	for _, word := range bytes.FieldsFunc(b, func(r rune) bool { return r < 'A' }) {
		if utf8.Valid(word) && len(word) != utf8.RuneCount(word) {
			return true
		}
	}
	return false
}

// Guessed reports whether texts are in a charset that the user does not name.
func (v *Variant) Guessed() bool { return single()[v.Encoding] != nil && v.Charset == "" }

// several reports whether an export may hold two chats: where the user names the channel it is of one.
func (l *Layout) several() bool { return l.Options.Channel == "" && l.Source != "slack" }

// Settled are options that leave nothing open.
func (v *Variant) Settled() producers.Options {
	o := v.Layout.Options
	if v.Layout.Wall {
		o.Zone, o.DateOrder = v.Chat.Zone, v.Layout.Order
	} else {
		o.Zone = v.Zone
	}
	if single()[v.Encoding] != nil {
		o.Charset = v.Encoding
	}
	return o
}

// Options are what the user says.
func (v *Variant) Options() producers.Options {
	o := v.Layout.Options
	o.Zone, o.Charset = v.Zone, v.Charset
	return o
}

// Want is what an import of all parts must bring, read in a zone.
func (v *Variant) Want(zone *time.Location) []Want {
	out := v.Layout.Wants(v.Chat, v.standing(), zone)
	if v.Other != nil {
		for _, w := range v.Layout.Wants(v.Other, v.shown(v.Layout.carried(v.Other.Messages), true), zone) {
			w.Other = true
			out = append(out, w)
		}
	}
	return out
}

// Write writes part i below dir, and returns the path that the user names.
func (v *Variant) Write(dir string, i int) (string, error) {
	folder := []string{"exports", "Мои файлы"}[i]
	root := filepath.Join(dir, folder)
	if v.Pack == "zip" {
		return v.zip(filepath.Join(root, []string{"first.zip", "second.zip"}[i]), i)
	}
	for _, f := range v.files(i) {
		if err := write(filepath.Join(root, filepath.FromSlash(f.Path)), f.Data); err != nil {
			return "", err
		}
	}
	return root, nil
}

func (v *Variant) files(i int) []File {
	c := *v.Chat
	c.Exported = c.Exported.AddDate(0, 0, i)
	out := v.Layout.Write(&c, v.Parts[i])
	if v.Other != nil && i == 0 {
		for _, f := range v.Layout.Write(v.Other, v.shown(v.Layout.carried(v.Other.Messages), true)) {
			if v.Layout.Source != "irc" && v.Layout.Source != "whatsapp" && v.Layout.Source != "discord" { // their names distinguish them
				f.Path = "other/" + f.Path
			}
			out = append(out, f)
		}
	}
	for n := range out {
		f := &out[n]
		if strings.HasSuffix(f.Path, ".yaml") {
			continue
		}
		f.Data = encoded(f.Data, v.Encoding)
		if v.Pack == "gz" {
			f.Path, f.Data = f.Path+".gz", gzipped(f.Data)
		}
	}
	return out
}

func write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

func encoded(data []byte, how string) []byte {
	e := single()[how]
	switch how {
	case "utf-8 bom":
		return append([]byte("\xef\xbb\xbf"), data...)
	case "utf-16le bom":
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "utf-16be bom":
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	if e == nil {
		return data
	}
	out, err := e.NewEncoder().Bytes(data)
	if err != nil { // only what a charset holds is written in it
		panic(err)
	}
	return out
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data) // into memory
	_ = z.Close()
	return b.Bytes()
}

// zip packs a part. An iPhone's chat is in the zip's root, and the zip has its folder's name. Names that are not ASCII are UTF-8, or those of
// the DOS charset of the chat's alphabet, as packers of that place write them.
func (v *Variant) zip(name string, i int) (string, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range v.files(i) {
		if path.Base(f.Path) == "_chat.txt" && (v.Other == nil || i > 0) {
			name = filepath.Join(filepath.Dir(name), path.Dir(f.Path)+".zip")
			f.Path = path.Base(f.Path)
		}
		h := &zip.FileHeader{Name: f.Path, Method: zip.Deflate}
		if page := v.dos(); page != nil && v.Chat.Seed%2 == 0 {
			if n, err := page.NewEncoder().String(f.Path); err == nil && n != f.Path {
				h.Name, h.NonUTF8 = n, true
			}
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			return "", err
		}
		if _, err := w.Write(f.Data); err != nil {
			return "", err
		}
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return name, write(name, b.Bytes())
}

func (v *Variant) dos() encoding.Encoding {
	switch v.Chat.Alphabet {
	case Cyrillic:
		return charmap.CodePage866
	case Latin:
		return charmap.CodePage437
	}
	return nil
}
