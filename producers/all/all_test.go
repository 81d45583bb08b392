package all_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDefinitions(t *testing.T) {
	var names []string
	for _, d := range all.Definitions() {
		names = append(names, string(d.Name))
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("names are not sorted, or not unique: %v", names)
	}
}

const sample = "../../deploy/sample"

// exports returns the files of the sample that some source recognises, by their paths.
func exports(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(sample, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if slices.Contains([]string{".json", ".jsonl", ".log", ".weechatlog"}, filepath.Ext(path)) {
			out[filepath.ToSlash(path)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 7 {
		t.Fatalf("the sample has %d exports", len(out))
	}
	return out
}

// Every export of the sample is known to one source, and every other source is less sure.
func TestDefinitions_RecogniseSample(t *testing.T) {
	for path, data := range exports(t) {
		want, _, _ := strings.Cut(strings.TrimPrefix(path, sample+"/"), "/")
		for _, d := range all.Definitions() {
			if d.Recognise == nil {
				continue
			}
			got := d.Recognise(producertest.File(path, data))
			if string(d.Name) == want && got < producers.Likely || string(d.Name) != want && got > producers.No {
				t.Errorf("%s is recognised by %s with confidence %d", path, d.Name, got)
			}
		}
	}
}

// The sample shows every trait: each kind of event, and input that cannot be read.
func TestDefinitions_ReadSample(t *testing.T) {
	kinds, messages, size := map[event.Kind]int{}, 0, 0
	for path, data := range exports(t) {
		size += len(data)
		for _, d := range all.Definitions() {
			if d.Recognise == nil || d.Recognise(producertest.File(path, data)) < producers.Likely {
				continue
			}
			c := producertest.Case{Path: path, Data: data}
			for _, e := range producertest.Events(producertest.Read(t, d, c, nil)) {
				kinds[e.Kind]++
				if e.Kind == event.KindMessage {
					messages++
				}
			}
		}
	}
	for _, k := range []event.Kind{
		event.KindMessage, event.KindDeletion, event.KindReaction, event.KindReactions, event.KindMembership,
		event.KindChannel, event.KindIdentity, event.KindUnparsed,
	} {
		if kinds[k] == 0 {
			t.Errorf("the sample makes no event of kind %s", k)
		}
	}
	if messages < 400 || messages > 800 || size > 400<<10 {
		t.Errorf("the sample has %d messages in %d bytes", messages, size)
	}
	t.Logf("%d messages, %v", messages, kinds)
}
