package difftest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	fewChats    = 100
	maxReported = 1
)

// tested adds up what many chats came to.
type tested struct {
	mu       sync.Mutex // covers all below
	variants map[string]int
	reported map[string]int
	silent   map[string]int
	listed   map[string]int // by layout
}

// Every chat comes back from every format as it was written, or the import says what is otherwise. AGRICHAT_DIFF_CHATS says how many chats,
// AGRICHAT_DIFF_SEED which one is the first.
func TestImport_Differences(t *testing.T) {
	chats, first := number(t, "AGRICHAT_DIFF_CHATS", fewChats), number(t, "AGRICHAT_DIFF_SEED", 1)
	sum := &tested{variants: map[string]int{}, reported: map[string]int{}, silent: map[string]int{}, listed: map[string]int{}}
	dir := t.TempDir()
	var next atomic.Int64
	var working sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		working.Go(func() {
			for n := int(next.Add(1)) - 1; n < chats; n = int(next.Add(1)) - 1 {
				c := New(uint64(first + n))
				for i, v := range Variants(c) {
					if err := sum.check(t, fmt.Sprintf("%s/%d-%d", dir, c.Seed, i), &v); err != nil {
						t.Errorf("chat %d, %s: %v", c.Seed, &v, err)
					}
				}
			}
		})
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	working.Wait()
	sum.print(t)
}

// Two kinds of export of one chat, in one folder: each message comes once, or is reported as a duplicate.
func TestImport_TwoKinds(t *testing.T) {
	sum := &tested{variants: map[string]int{}, reported: map[string]int{}, silent: map[string]int{}, listed: map[string]int{}}
	dir := t.TempDir()
	for seed := range uint64(number(t, "AGRICHAT_DIFF_CHATS", fewChats)) {
		c := New(seed + 1)
		all := Layouts(c, rand.New(rand.NewPCG(seed, 1)))
		for i, kinds := range [][2]Layout{{all[1], all[2]}, {all[3], all[4]}} {
			if kinds[0].Emoji == nil { // else one export shows what the other one cannot know
				kinds[1].Emoji = nil
			}
			v := newVariant(c, kinds[0])
			where := fmt.Sprintf("%s/%d-%d", dir, seed, i)
			var path string
			for _, l := range kinds {
				one := newVariant(c, l)
				var err error
				if path, err = one.Write(where, 0); err != nil {
					t.Fatal(err)
				}
			}
			o := v.Options()
			o.Account = "me"
			r, err := Read(t.Context(), path, o, 1000)
			if err != nil {
				t.Fatal(err)
			}
			sum.count(t, &v, r, v.Want(v.Zone), " and "+kinds[1].Name)
		}
	}
	sum.print(t)
}

func number(t *testing.T, name string, otherwise int) int {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s is %q, which is no number", name, s)
	}
	return n
}

// check imports one variant, and compares.
func (s *tested) check(t *testing.T, dir string, v *Variant) error {
	defer func() { _ = os.RemoveAll(dir) }() // the test's folder is removed at its end
	var readings []*Reading
	var paths []string
	for i := range v.Parts {
		path, err := v.Write(dir, i)
		if err != nil {
			return err
		}
		paths = append(paths, path)
		r, err := Read(t.Context(), path, v.Options(), 1000)
		if err != nil {
			return err
		}
		readings = append(readings, r)
	}
	var sum, back Reading
	for i := range readings {
		sum.Add(readings[i])
		back.Add(readings[len(readings)-1-i])
	}
	if err := same(&sum, &back); err != nil {
		return err
	}
	s.count(t, v, &sum, v.Want(v.Zone), "")
	if v.Settled() == v.Options() {
		return nil
	}
	return s.settled(t, paths, v, &sum)
}

// settled imports once more with options that leave nothing open: what was guessed or assumed is put right, and nothing is stored twice.
func (s *tested) settled(t *testing.T, paths []string, v *Variant, r *Reading) error {
	var refused []string
	r.Exports = map[ingest.Chat][]*ingest.Export{} // the same exports again meet everywhere
	for _, path := range paths {
		again, err := Read(t.Context(), path, v.Settled(), 2000)
		if err != nil {
			return err
		}
		r.Add(again)
		refused = append(refused, again.Refused...)
		r.Notices, r.Refused, r.Unparsed = again.Notices, refused, again.Unparsed
	}
	s.count(t, v, r, v.Want(v.Chat.Zone), " settled")
	return nil
}

// same reports where two orders of import come to different states.
func same(a, b *Reading) error {
	for id, e := range a.Events {
		x, y := *e, *b.Events[id]
		x.Raw, x.Seen, y.Raw, y.Seen = nil, time.Time{}, nil, time.Time{}
		one, errOne := event.Encode(&x)
		other, errOther := event.Encode(&y)
		if errOne != nil || errOther != nil || !bytes.Equal(one, other) {
			return fmt.Errorf("the order of import decides:\n%s\n%s", one, other)
		}
	}
	return nil
}

func (s *tested) count(t *testing.T, v *Variant, r *Reading, want []Want, how string) {
	differences := r.Compare(want)
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _, _ := strings.Cut(v.Layout.Name, " ")
	s.variants[name+how]++
	silent, lines := "", 0
	for _, d := range differences {
		if d.Reported != "" {
			s.reported[fmt.Sprintf("%s%s: %s", name, how, d.Reported)]++
			if d.Reported == "refused" && s.listed["refused"+name] < maxReported {
				s.listed["refused"+name]++
				t.Logf("chat %d, %s%s: refused: %v", v.Chat.Seed, v, how, r.Refused)
			}
			if d.Reported == "unparsed" && !v.Guessed() && s.listed["unparsed"+name] < maxReported {
				s.listed["unparsed"+name]++
				t.Logf("chat %d, %s%s: unparsed: %s", v.Chat.Seed, v, how, &d)
			}
			continue
		}
		s.silent[name+how]++
		if lines++; lines <= 3 {
			silent += "\n  " + d.String()
		}
	}
	if silent == "" {
		return
	}
	if s.listed[name+how]++; s.listed[name+how] <= maxReported {
		t.Errorf("chat %d, %s%s: silent differences, notices %v, ambiguous %d:%s\n  again: AGRICHAT_DIFF_CHATS=1 AGRICHAT_DIFF_SEED=%d go test -run TestImport_Differences ./internal/difftest",
			v.Chat.Seed, v, how, r.Notices, r.Ambiguous, silent, v.Chat.Seed)
	} else {
		t.Fail()
	}
}

func (s *tested) print(t *testing.T) {
	for _, m := range []struct {
		what string
		of   map[string]int
	}{{"variants", s.variants}, {"reported", s.reported}, {"silent", s.silent}} {
		n := 0
		for _, name := range slices.Sorted(maps.Keys(m.of)) {
			n += m.of[name]
			t.Logf("%s: %6d %s", m.what, m.of[name], name)
		}
		t.Logf("%s: %6d in all", m.what, n)
	}
}
