// Package difftest makes random chats, writes each of them in the formats, layouts, locales and encodings that sources read, and compares
// what was read with what was made.
//
// It promises that a seed always makes the same chat and the same files. Its writers know the formats from their descriptions and share no
// code with the sources.
package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Person takes part in a chat.
type Person struct {
	ID   int64
	Name string // may hold spaces, colons, dashes, and letters of any alphabet
	Nick string // one word
}

// Message is one message of a chat.
type Message struct {
	ID   int
	At   time.Time // UTC, to the millisecond
	Who  int       // of Chat.People
	Text string
	history
}

// history is what became of a message, and what it refers to.
type history struct {
	Before    string    // its text until it was edited; empty: it was not
	Edited    time.Time // zero where Before is empty
	Reply     int       // the ID of the message that it answers; 0: of none
	Reactions []Reaction
	Versions  int    // how many of its texts the exports show, where they show the times of edits; else 0
	Service   string // the action that the network reports, in the words of package event, with a new name or topic as Text; empty: somebody wrote it
}

// Chat is what is written in every format. Messages are in the order of their times.
type Chat struct {
	Seed     uint64
	ID       int64
	Name     string
	Slug     string // lower case, ASCII
	Zone     *time.Location
	People   []Person
	Messages []Message // the ID of each is one more than its index
	Alphabet Alphabet
	Exported time.Time // when the export that is written was made
}

// Alphabet is the letters of a chat's names and texts.
type Alphabet int

// The alphabets.
const (
	Latin    Alphabet = iota // with accents
	Cyrillic                 // and ASCII
	Mixed                    // any letters, emoji and typographic signs
)

// New makes the chat of a seed.
func New(seed uint64) *Chat {
	r := rand.New(rand.NewPCG(seed, 0x64696666))
	g := &generator{Rand: r}
	c := &Chat{Seed: seed, ID: 1_200_000_000 + int64(seed%700_000_000), Alphabet: Alphabet(r.IntN(3)),
		Exported: time.Date(2026, 1, 2, 3, 4, 5, 123_456_700, time.UTC)}
	g.alphabet = c.Alphabet
	c.Zone = g.zone()
	c.Slug = fmt.Sprintf("%s%d", pick(r, "garden", "go-nuts", "plot", "c++", "dev_talk"), seed%10_000)
	c.Name = fmt.Sprintf("%s %d", pick(r, g.titles()...), seed%10_000)
	for i := range 1 + r.IntN(5) {
		c.People = append(c.People, g.person(i))
	}
	g.messages(c)
	return c
}

type generator struct {
	*rand.Rand
	alphabet Alphabet
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// chance is true in percent of 100 cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) zone() *time.Location {
	name := pick(g.Rand, "UTC", "Europe/Berlin", "Europe/Moscow", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Seoul",
		"America/Sao_Paulo", "Asia/Kathmandu", "Europe/London", "America/Los_Angeles", "Africa/Casablanca")
	zone, err := time.LoadLocation(name)
	if err != nil { // the program has the names built in
		panic(err)
	}
	return zone
}

func (g *generator) titles() []string {
	switch g.alphabet {
	case Latin:
		return []string{"Beds & Borders", "Plot", "Café Größe", "A - B", "João e Zé", "The Farm (old)"}
	case Cyrillic:
		return []string{"Зерно", "Поле и сад", "Чат - Дача", "Соседи"}
	}
	return []string{"Зерно 🌾", "農場", "مزرعة", "Plot “seven”", "농장", "Beds & Borders"}
}

func (g *generator) person(i int) Person {
	names := []string{"Ann", "Bob Smith", "Dr. Lee", "O'Neil", "J-P", "Marta", "bob", "A:B", "x (y)", "Ann Lee-Poe", "100"}
	switch g.alphabet {
	case Latin:
		names = append(names, "José Ñandú", "Zoë", "Jürgen Groß", "François")
	case Cyrillic:
		names = append(names, "Аня", "Боб Иванов", "Ёж", "мама", "Анна-Мария")
	case Mixed:
		names = append(names, "Аня 🌻", "陳大文", "محمد", "김철수", "José", "Боб", "~ Eve", "+49 170 1234567", "Anna 👩‍🌾")
	}
	name := pick(g.Rand, names...)
	if i > 0 {
		name += pick(g.Rand, " ", "-", "") + string(rune('A'+i)) // no two people of a chat have one name
	}
	nick := pick(g.Rand, "ann", "Bob_", "x[y]", "m^rta", "lee`", "z|away", "I-am") + string(rune('a'+i))
	return Person{ID: 100_000_000 + int64(g.IntN(800_000_000)), Name: name, Nick: nick}
}

// messages fills the chat. One in three chats crosses a change of its zone's clock, one in six the end of a year.
func (g *generator) messages(c *Chat) {
	at := time.Date(2013+g.IntN(11), time.Month(1+g.IntN(12)), 1+g.IntN(28), g.IntN(24), g.IntN(60), g.IntN(60), 0, c.Zone)
	switch g.IntN(6) {
	case 0, 1:
		if change := nextChange(at, c.Zone); !change.IsZero() {
			at = change.Add(-time.Duration(g.IntN(150)) * time.Minute)
		}
	case 2:
		at = time.Date(at.Year(), 12, 31, 23, 30+g.IntN(30), g.IntN(60), 0, c.Zone)
	}
	pace := pick(g.Rand, 1, 1, 2, 3, 4)
	for i := range 1 + g.IntN(pick(g.Rand, 3, 12, 40)) {
		m := Message{ID: i + 1, Who: g.IntN(len(c.People))}
		if i > 0 {
			at = at.Add(g.gap(pace))
		}
		m.At = at.UTC().Truncate(time.Millisecond)
		if last := len(c.Messages) - 1; last >= 0 && g.chance(8) { // an equal line, mostly of the same minute
			m.Who, m.Text = c.Messages[last].Who, c.Messages[last].Text
		} else {
			m.Text = g.text()
		}
		c.Messages = append(c.Messages, m)
	}
	g.histories(c)
}

func (g *generator) gap(pace int) time.Duration {
	millis := func(of time.Duration) time.Duration {
		return time.Duration(1+g.Int64N(of.Milliseconds())) * time.Millisecond
	}
	switch n := g.IntN(10); {
	case n < 5:
		return millis(25 * time.Second)
	case n < 8 || pace == 1:
		return millis(20 * time.Minute)
	case n < 9 || pace == 2:
		return millis(5 * time.Hour)
	case pace == 3:
		return millis(3 * 24 * time.Hour)
	}
	return millis(40 * 24 * time.Hour)
}

// nextChange is when the zone's clock is next set; zero where it is not within a year.
func nextChange(from time.Time, zone *time.Location) time.Time {
	_, shift := from.In(zone).Zone()
	for at := from.Truncate(time.Hour); at.Before(from.AddDate(1, 0, 0)); at = at.Add(time.Hour) {
		if _, now := at.In(zone).Zone(); now != shift {
			return at
		}
	}
	return time.Time{}
}

func (g *generator) words() []string {
	words := strings.Fields("the plot is wet today and we sow beans at noon bring two spades please who has seeds left over ok no yes why 42")
	switch g.alphabet {
	case Latin:
		return append(words, strings.Fields("où déjà naïve für Grüße schön mañana José você não ça")...)
	case Cyrillic:
		return strings.Fields("сегодня сыро на участке и мы сеем бобы в полдень принесите две лопаты пожалуйста у кого остались семена да нет ещё почему ёлка " +
			"завтра привет как дела хорошо спасибо где когда ну ok link")
	}
	return append(words, strings.Fields("привет завтра сыро 안녕 農場 مرحبا 👍 🌱🌱 “quoted” — … naïve ½ 🇩🇪 e\u0301")...)
}

func (g *generator) sentence() string {
	words := g.words()
	var b strings.Builder
	for i := range 1 + g.IntN(12) {
		if i > 0 {
			b.WriteString(pick(g.Rand, " ", " ", " ", " ", ", ", ": ", "; ", " - ", ". "))
		}
		b.WriteString(words[g.IntN(len(words))])
	}
	return b.String() + pick(g.Rand, "", "", ".", "!", "?", " :)", "...")
}

// text makes a text. No text begins or ends with white space, and none has a line that some layout would take for a message of its own:
// the two cannot be distinguished.
func (g *generator) text() string {
	switch n := g.IntN(20); {
	case n < 11:
		return g.sentence()
	case n < 13:
		return pick(g.Rand, "ok", "+", "1", "?", ")", "no", "...", "k", "0", "-", "=)")
	case n < 15:
		return pick(g.Rand, "", g.sentence()+" ") + pick(g.Rand, "https://example.org/a?b=1&c=2#d", "http://example.org", "https://example.org/x_(y)") +
			pick(g.Rand, "", " "+g.sentence())
	case n < 18:
		return g.sentence() + "\n" + pick(g.Rand, "", "\n") + g.sentence() + pick(g.Rand, "", "\n"+g.sentence())
	}
	return pick(g.Rand, headerLike()...) + pick(g.Rand, "", " "+g.sentence())
}

// headerLike are texts that look like a part of some format.
func headerLike() []string {
	return []string{
		"[10:00] <bob> hi", "<bob> hi", "* bob waves", "--- Day changed", "a,b;c", `"quoted", 'and' "more"`, "<b>bold</b> & <br>", "&amp; &lt;tag&gt;",
		"{\"id\": 1}", "[1, 2]", "*** Joins: nobody", "@everyone look", "#tag and *stars* _and_ ~more~ `code`", `back\slash \n and \x41`, "50% of 100%d",
		"note: this", "-!- odd", "// comment", "$1 | 2", "=SUM(A1)", "bob: hi", "[link](x)", "Bob - hi",
	}
}
