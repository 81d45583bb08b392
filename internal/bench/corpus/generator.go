package corpus

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// frame is what of a message in a Telegram Desktop export is not its text, which stands there twice.
const frame = 314

// What of a hundred messages has a trait: about as in groups of some hundred people.
const (
	repliesIn   = 20
	editedIn    = 3
	reactionsIn = 5
	markedIn    = 6
)

// people is how many talk.
const people = 500

func firstDay() time.Time { return time.Date(2019, 1, 1, 8, 0, 0, 0, time.UTC) }

// generator makes one message after the other.
type generator struct {
	Corpus
	rand             *rand.Rand
	russian, english *vocabulary
	people           *rand.Zipf
	now              time.Time
	id               int
	made             Made
	m                message
}

// message is one, whatever format it will stand in.
type message struct {
	id        int
	at        time.Time
	edited    time.Time // zero: never
	who       uint64
	replyTo   int    // zero: to none
	text      []byte // good until the next message
	kind      string // of the part behind the text: bold, link or hashtag; empty: there is none
	part      string
	emoji     string // of the reactions; empty: there are none
	reactions int    // how many people reacted
	reacted   []reacted
}

// reacted is one of those who reacted and are named.
type reacted struct {
	who uint64
	at  time.Time
}

func (t *generator) in(hundred int) bool { return t.rand.IntN(100) < hundred }

// next makes a message, which is good until the next one.
func (t *generator) next() *message {
	t.id++
	t.now = t.now.Add(time.Duration(1+t.rand.ExpFloat64()*90) * time.Second)
	t.m = message{id: t.id, at: t.now, text: t.m.text[:0], reacted: t.m.reacted[:0]}
	m := &t.m
	if t.in(editedIn) {
		t.made.Edited++
		m.edited = t.now.Add(time.Duration(5+t.rand.IntN(600)) * time.Second)
	}
	m.who = t.people.Uint64()
	if t.id > 1 && t.in(repliesIn) {
		t.made.Replies++
		m.replyTo = t.id - 1 - t.rand.IntN(min(t.id-1, repliesBack))
	}
	t.content(m)
	if t.in(reactionsIn) {
		t.react(m)
	}
	t.made.Messages++
	return m
}

// repliesBack is how far behind the message is that another is a reply to.
const repliesBack = 50

// content makes a text, half of them Russian: many are short and few are long.
func (t *generator) content(m *message) {
	words := t.english
	if t.rand.IntN(2) == 0 {
		words = t.russian
		t.made.Russian++
	}
	mean := float64(max(t.Bytes-frame, 20)) / 2
	m.text = words.text(m.text, int(math.Round(t.rand.ExpFloat64()*mean)))
	capital(m.text, 0)
	t.made.TextBytes += int64(len(m.text))
	if t.in(markedIn) {
		t.mark(m, words)
	}
}

// mark ends a text with a link, a hashtag or something bold.
func (t *generator) mark(m *message, words *vocabulary) {
	t.made.Marked++
	m.kind, m.part = "bold", words.word()
	switch t.rand.IntN(3) {
	case 0:
		m.kind, m.part = "link", "https://example.org/"+strconv.Itoa(t.rand.IntN(100_000))
	case 1:
		m.kind, m.part = "hashtag", "#"+m.part
	}
	t.made.TextBytes += int64(len(m.part) + 1)
}

// react sets one emoji, with those who set it.
func (t *generator) react(m *message) {
	t.made.Reactions++
	emoji := [...]string{"👍", "❤", "🔥", "😁", "🤔"}
	named := 1 + t.rand.IntN(3)
	m.reactions = named + t.rand.IntN(2)
	m.emoji = emoji[t.rand.IntN(len(emoji))]
	who := t.people.Uint64()
	for i := range named {
		m.reacted = append(m.reacted, reacted{who: (who + uint64(i)) % people, at: m.at.Add(time.Duration(i+1) * time.Minute)})
	}
}

// AuthorName is the name of an author.
func AuthorName(who uint64) string {
	first := [...]string{"Анна", "Ivan", "Пётр", "Maria", "Ольга", "John", "Дмитрий", "Kate", "Сергей", "Alex"}
	return first[who%10] + " " + strconv.FormatUint(who, 10)
}

// authorID is the id of an author, after a prefix.
func authorID(prefix string, who uint64) string {
	return prefix + strconv.FormatUint(100_000_000+who, 10)
}
