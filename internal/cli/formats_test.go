package cli_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/difftest"
)

// formatChats is how many chats are imported at once: each format comes three times.
const formatChats = 30

// TestImport_EveryFormat imports chats in every format from one folder, and then exports that overlap with the first: each message is stored once,
// nothing seems to stand twice, and the stores agree. A channel that comes by two kinds of ids is reported.
func TestImport_EveryFormat(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for i := range formatChats {
		v := formatVariant(t, uint64(i), berlin)
		for part := range v.Parts {
			if _, err := v.Write(filepath.Join(dir, []string{"first", "second"}[part], fmt.Sprint("chat", i)), part); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range v.Want(berlin) {
			if m.Service == "" {
				want[string(v.Layout.Source)]++
			}
		}
	}
	args := []string{"--account", "me", "--zone", berlin.String()}
	for _, half := range []string{"first", "second"} {
		if n := w.noticed(append([]string{filepath.Join(dir, half)}, args...)...); n.Overlapping != 0 {
			t.Errorf("%s: %d messages seem to stand twice: %+v", half, n.Overlapping, n.Notices)
		}
	}
	for source, n := range want {
		got := w.ask("SELECT count(*)::text FROM agrichat.v_messages WHERE kind <> 'service' AND source = '" + source + "'")[0]
		if got != fmt.Sprint(n) {
			t.Errorf("%s: %s messages are stored, want %d", source, got, n)
		}
	}
	w.equal()
	w.twoKinds(filepath.Join(dir, "kinds"), berlin, args)
}

// twoKinds imports one channel by ids and by content keys, from two folders: in one folder the ids are known to both.
func (w *world) twoKinds(dir string, zone *time.Location, args []string) {
	w.t.Helper()
	c := difftest.New(7)
	c.Zone = zone
	all := difftest.Layouts(c, rand.New(rand.NewPCG(1, 1)))
	for _, l := range all {
		if l.Source != "discord" {
			continue
		}
		v := difftest.Whole(c, l)
		if _, err := v.Write(filepath.Join(dir, strings.ReplaceAll(l.Name, "/", " ")), 0); err != nil {
			w.t.Fatal(err)
		}
	}
	spoken := 0
	for _, m := range c.Messages {
		if m.Service == "" {
			spoken++
		}
	}
	if n := w.noticed(append([]string{dir}, args...)...); n.counts()["overlap-ids"] == 0 || n.Overlapping != spoken {
		w.t.Errorf("of %d messages in two kinds of export %d seem to stand twice: %+v", spoken, n.Overlapping, n.Notices)
	}
}

// formatVariant makes a chat in the layout of its number, in two exports that overlap by more than a minute.
func formatVariant(t *testing.T, i uint64, zone *time.Location) difftest.Variant {
	t.Helper()
	for seed := 1000 * (i + 1); seed < 1000*(i+2); seed++ {
		c := difftest.New(seed)
		if len(c.Messages) < 12 {
			continue
		}
		c.Zone = zone
		l := difftest.Layouts(c, rand.New(rand.NewPCG(seed, i)))[i%10]
		v := difftest.Halves(c, l)
		first, second := v.Parts[0], v.Parts[1]
		overlap := first[len(first)-1].At.Sub(second[0].At)
		placed := l.Source != "irc" || strings.Contains(l.Name, "%n") && !strings.Contains(l.Name, "mirc") // else its folder is its network
		if l.Options.Channel != "" || !placed || overlap < 2*time.Minute || !sureDates(&l, c) {
			continue
		}
		return v
	}
	t.Fatalf("no chat fits layout %d", i%10)
	return difftest.Variant{}
}

// sureDates reports whether no date of a WhatsApp export could be either way round: a guess would be right or wrong by chance.
func sureDates(l *difftest.Layout, c *difftest.Chat) bool {
	return l.Source != "whatsapp" || c.Messages[0].At.Day() > 13 && c.Messages[len(c.Messages)-1].At.Sub(c.Messages[0].At) < 10*24*time.Hour
}
