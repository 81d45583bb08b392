// Package bench makes what a benchmark reads, and looks at what it used.
//
// It promises that a corpus is the same on every machine for one size and seed, and that figures are the system's own:
// rows counted by the stores, processor time and memory told by the kernel. It starts nothing and judges nothing.
package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Corpus is a Telegram Desktop export of one group.
type Corpus struct {
	Messages int
	Bytes    int // of a message in the file, in the mean
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

// frame is what of a message in the file is not its text, which stands there twice.
const frame = 314

// What of a hundred messages has a trait: about as in groups of some hundred people.
const (
	repliesIn   = 20
	editedIn    = 3
	reactionsIn = 5
	markedIn    = 6
)

// writer writes one corpus.
type writer struct {
	Corpus
	out              *bufio.Writer
	rand             *rand.Rand
	russian, english *tongue
	people           *rand.Zipf
	now              time.Time
	text             []byte
	made             Made
}

// Write writes the corpus as it is made: it holds one message at a time.
func (c Corpus) Write(to io.Writer) (Made, error) {
	counted := &counter{to: to}
	r := rand.New(rand.NewPCG(c.Seed, 0x62656e6368))
	w := &writer{
		Corpus: c, out: bufio.NewWriterSize(counted, 1<<20), rand: r, russian: russian(r), english: english(r),
		people: rand.NewZipf(r, 1.2, 3, 499), now: time.Date(2019, 1, 1, 8, 0, 0, 0, time.UTC),
	}
	w.put("{\n \"name\": \"Большой разговор\",\n \"type\": \"private_supergroup\",\n \"id\": 1700000001,\n \"messages\": [")
	for id := 1; id <= c.Messages; id++ {
		w.message(id)
	}
	w.put("\n ]\n}\n")
	if err := w.out.Flush(); err != nil {
		return Made{}, fmt.Errorf("writing the corpus: %w", err)
	}
	w.made.Bytes = counted.bytes
	return w.made, nil
}

// counter counts what it passes on.
type counter struct {
	to    io.Writer
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}

// put writes parts; the first error stays in the buffered writer until Flush returns it.
func (w *writer) put(parts ...string) {
	for _, p := range parts {
		_, _ = w.out.WriteString(p)
	}
}

func (w *writer) in(hundred int) bool { return w.rand.IntN(100) < hundred }

func (w *writer) message(id int) {
	w.now = w.now.Add(time.Duration(1+w.rand.ExpFloat64()*90) * time.Second)
	if id > 1 {
		w.put(",")
	}
	w.put("\n  {\n   \"id\": ", strconv.Itoa(id), ",\n   \"type\": \"message\",")
	w.moment("date", w.now)
	if w.in(editedIn) {
		w.made.Edited++
		w.moment("edited", w.now.Add(time.Duration(5+w.rand.IntN(600))*time.Second))
	}
	name, from := person(w.people.Uint64())
	w.put("\n   \"from\": \"", name, "\",\n   \"from_id\": \"", from, "\",")
	if id > 1 && w.in(repliesIn) {
		w.made.Replies++
		w.put("\n   \"reply_to_message_id\": ", strconv.Itoa(id-1-w.rand.IntN(min(id-1, 50))), ",")
	}
	w.content()
	if w.in(reactionsIn) {
		w.reactions()
	}
	w.put("\n  }")
	w.made.Messages++
}

// moment writes a time as the export does: the clock on the wall of whoever exported (here at UTC), and the instant.
func (w *writer) moment(field string, t time.Time) {
	w.put("\n   \"", field, "\": \"", t.Format("2006-01-02T15:04:05"), "\",\n   \"", field, "_unixtime\": \"",
		strconv.FormatInt(t.Unix(), 10), "\",")
}

func person(n uint64) (name, id string) {
	first := [...]string{"Анна", "Ivan", "Пётр", "Maria", "Ольга", "John", "Дмитрий", "Kate", "Сергей", "Alex"}
	return first[n%10] + " " + strconv.FormatUint(n, 10), "user" + strconv.FormatUint(100_000_000+n, 10)
}

// content writes a text, half of them Russian: many are short and few are long.
func (w *writer) content() {
	t := w.english
	if w.rand.IntN(2) == 0 {
		t = w.russian
		w.made.Russian++
	}
	mean := float64(max(w.Bytes-frame, 20)) / 2
	w.text = t.text(w.text[:0], int(math.Round(w.rand.ExpFloat64()*mean)))
	capital(w.text, 0)
	w.made.TextBytes += int64(len(w.text))
	if w.in(markedIn) {
		w.marked(t)
		return
	}
	w.put("\n   \"text\": \"")
	_, _ = w.out.Write(w.text)
	w.put("\",\n   \"text_entities\": [\n    {\n     \"type\": \"plain\",\n     \"text\": \"")
	_, _ = w.out.Write(w.text)
	w.put("\"\n    }\n   ]")
}

// marked writes a text that ends with a link, a hashtag or something bold.
func (w *writer) marked(t *tongue) {
	w.made.Marked++
	kind, part := "bold", t.word()
	switch w.rand.IntN(3) {
	case 0:
		kind, part = "link", "https://example.org/"+strconv.Itoa(w.rand.IntN(100_000))
	case 1:
		kind, part = "hashtag", "#"+part
	}
	w.put("\n   \"text\": [\n    \"")
	_, _ = w.out.Write(w.text)
	w.put(" \",\n    {\n     \"type\": \"", kind, "\",\n     \"text\": \"", part, "\"\n    }\n   ],")
	w.put("\n   \"text_entities\": [\n    {\n     \"type\": \"plain\",\n     \"text\": \"")
	_, _ = w.out.Write(w.text)
	w.put(" \"\n    },\n    {\n     \"type\": \"", kind, "\",\n     \"text\": \"", part, "\"\n    }\n   ]")
	w.made.TextBytes += int64(len(part) + 1)
}

// reactions writes one emoji with those who set it.
func (w *writer) reactions() {
	w.made.Reactions++
	emoji := [...]string{"👍", "❤", "🔥", "😁", "🤔"}
	people := 1 + w.rand.IntN(3)
	w.put(",\n   \"reactions\": [\n    {\n     \"type\": \"emoji\",\n     \"count\": ", strconv.Itoa(people+w.rand.IntN(2)),
		",\n     \"emoji\": \"", emoji[w.rand.IntN(len(emoji))], "\",\n     \"recent\": [")
	who := w.people.Uint64()
	for i := range people {
		name, id := person((who + uint64(i)) % 500)
		if i > 0 {
			w.put(",")
		}
		w.put("\n      {\n       \"from\": \"", name, "\",\n       \"from_id\": \"", id, "\",\n       \"date\": \"",
			w.now.Add(time.Duration(i+1)*time.Minute).Format("2006-01-02T15:04:05"), "\"\n      }")
	}
	w.put("\n     ]\n    }\n   ]")
}
