package archive_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/event"
)

// overlapping is a chat of a test: what it is called, and its messages.
type overlapping struct {
	channel, name string
	keyed         bool
	messages      []spokenAt
}

type spokenAt struct {
	minute       int
	author, text string
}

func talk(n, from, shift int, author string) (out []spokenAt) {
	for i := range n {
		out = append(out, spokenAt{(from+i)*7 + shift, author, fmt.Sprint("text ", from+i)})
	}
	return out
}

func TestArchive_Overlaps(t *testing.T) {
	t.Parallel()
	db := store(t)
	const source, namespace = "test", "n"
	chats := []overlapping{
		{"channel1", "Farm", false, talk(20, 0, 0, "user1")},
		{"name:Farm", "farm", true, talk(10, 5, 0, "Ann")},
		{"channel7", "Farm yard", false, talk(5, 0, 0, "user1")}, // stored twice, but in no chat of the query
		{"tractors", "", false, talk(6, 500, 0, "U1")},           // without a name
		{"C01", "tractors", false, talk(6, 500, 0, "U1")},
		{"guild1", "general", false, append(talk(20, 100, 0, "a"), spokenAt{1, "a", "hello"})},
		{"guild2", "general", false, append(talk(20, 200, 0, "b"), spokenAt{1, "b", "hello"})},
		{"csv", "csv", false, talk(6, 300, 0, "1")},
		{"csv", "csv", true, talk(6, 300, 0, "ann#1")},
		{"42", "seeds", false, talk(6, 400, 0, "1")},
		{"table", "Guild - seeds [42]", true, talk(6, 400, 0, "ann#1")},
		{"renamed", "renamed", true, append(append(talk(8, 0, 0, "Bob"), talk(8, 0, 0, "Bobby")...), talk(8, 50, 0, "Ann")...)},
		{"moved", "moved", true, append(talk(6, 0, 0, "Bob"), talk(7, 0, 360, "Bob")...)},
		{"travelled", "travelled", true, slices.Concat(talk(6, 1000, 0, "Bob"), talk(5, 1050, 0, "Ann"), talk(6, 1000, 360, "Bobby"), talk(5, 1050, 360, "Ann"))},
		{"spring", "spring", true, slices.Concat(talk(6, 2000, 0, "Bob"), talk(5, 2400, 0, "Bob"), talk(6, 2000, 360, "Bob"), talk(5, 2400, 300, "Bob"))},
		{"daily", "daily", true, append(append(talk(30, 0, 0, "Bob"), spokenAt{10, "Ann", "good morning"}), spokenAt{10 + 1440, "Ann", "good morning"})},
	}
	var rows []string
	n, named := 0, map[string]string{}
	for _, c := range chats {
		key := archive.OverlapKey(source, namespace, c.channel)
		named[key] = c.channel
		rows = append(rows, fmt.Sprintf("INSERT INTO channels (key, version, source, namespace, channel, name) VALUES (unhex('%s'), 1, '%s', '%s', '%s', '%s')",
			key, source, namespace, c.channel, c.name))
		for _, m := range c.messages {
			n++
			id := fmt.Sprint(n)
			if c.keyed {
				id = "k" + event.Digest(id)
			}
			at := time.Date(2024, 5, 1, 0, m.minute, 0, 0, time.UTC)
			rows = append(rows, fmt.Sprintf("INSERT INTO messages (channel_key, thing_id, version, source, namespace, channel, external_id, kind, author, author_name, sent_at, precision, text) "+
				"VALUES (unhex('%s'), unhex('%032x'), 1, '%s', '%s', '%s', '%s', 'message', '%s', '%s', '%s', 3, '%s')",
				key, n, source, namespace, c.channel, id, m.author, m.author, at.Format(time.DateTime), m.text))
		}
	}
	for _, sql := range join(rows) {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	keyOf := func(names ...string) (out []string) {
		for _, name := range names {
			out = append(out, archive.OverlapKey(source, namespace, name))
		}
		return out
	}
	got, err := archive.New(db).Overlaps(t.Context(), keyOf("name:Farm", "guild2", "csv", "table", "C01", "renamed", "moved", "travelled",
		"spring", "daily"), keyOf("renamed", "moved", "travelled", "spring", "daily"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]uint64{}
	for _, o := range got {
		found[strings.TrimSpace(strings.Join([]string{string(o.Kind), named[o.Key], named[o.Other], o.Authors[0], o.Authors[1], o.Shift.String()}, " "))] = o.Messages
	}
	want := map[string]uint64{}
	for what, n := range map[string]uint64{"people renamed  Bob Bobby 0s": 8, "zones moved    6h0m0s": 6,
		"zones travelled    6h0m0s": 11, "zones spring    6h0m0s": 6, "zones spring    5h0m0s": 5, "ids csv csv   0s": 6} {
		want[what] = n
	}
	for _, pair := range [][]string{{"channel1", "name:Farm"}, {"42", "table"}, {"C01", "tractors"}} {
		n := uint64(6)
		if pair[0] == "channel1" {
			n = 10
		}
		if keyOf(pair[0])[0] > keyOf(pair[1])[0] {
			pair[0], pair[1] = pair[1], pair[0]
		}
		want["ids "+pair[0]+" "+pair[1]+"   0s"] = n
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// join puts the rows of inserts into the same columns into one statement.
func join(rows []string) []string {
	into := map[string][]string{}
	for _, r := range rows {
		head, values, _ := strings.Cut(r, " VALUES ")
		into[head] = append(into[head], values)
	}
	var out []string
	for head, values := range into {
		out = append(out, head+" VALUES "+strings.Join(values, ", "))
	}
	return out
}
