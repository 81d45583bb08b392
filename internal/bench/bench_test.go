package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCorpusIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	c := Corpus{Messages: 300, Bytes: 425, Seed: 7}
	var a, b bytes.Buffer
	made, err := c.Write(&a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two corpora of one seed differ")
	}
	if made.Bytes != int64(a.Len()) {
		t.Errorf("%d bytes were said to be written, %d were", made.Bytes, a.Len())
	}
	c.Seed++
	b.Reset()
	if _, err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two seeds make one corpus")
	}
	if chat(t, a.Bytes()) == chat(t, b.Bytes()) {
		t.Error("two seeds make one chat, whose messages would be versions of one another")
	}
}

// chat returns the id of the chat of an export.
func chat(t *testing.T, export []byte) (id int64) {
	t.Helper()
	v := struct{ ID *int64 }{&id}
	if err := json.Unmarshal(export, &v); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCorpusIsWhatItSays(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	made, err := Corpus{Messages: 20_000, Bytes: 425, Seed: 1}.Write(&buf)
	if err != nil {
		t.Fatal(err)
	}
	var export struct {
		Messages []struct {
			ID       int             `json:"id"`
			Edited   string          `json:"edited"`
			ReplyTo  int             `json:"reply_to_message_id"`
			Reaction json.RawMessage `json:"reactions"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(buf.Bytes(), &export); err != nil {
		t.Fatal(err)
	}
	seen := Made{Messages: len(export.Messages), Russian: made.Russian, Marked: made.Marked, Bytes: int64(buf.Len()), TextBytes: made.TextBytes}
	ids := map[int]bool{}
	for _, m := range export.Messages {
		ids[m.ID] = true
		seen.Edited += one(m.Edited != "")
		seen.Replies += one(m.ReplyTo != 0)
		seen.Reactions += one(m.Reaction != nil)
	}
	if seen != made || len(ids) != made.Messages {
		t.Errorf("the corpus has %+v and %d ids, and says %+v", seen, len(ids), made)
	}
	if mean := made.Bytes / int64(made.Messages); mean < 415 || mean > 435 {
		t.Errorf("a message has %d bytes in the mean", mean)
	}
	if made.Russian < 9_700 || made.Russian > 10_300 || made.Edited*made.Replies*made.Reactions*made.Marked == 0 {
		t.Errorf("the traits are %+v", made)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestCorpusSaysThatTheDiskIsFull(t *testing.T) {
	t.Parallel()
	if _, err := (Corpus{Messages: 1, Bytes: 425}).Write(full{}); err == nil {
		t.Error("no error")
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	pid, p, err := parseStat("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 11 22 33 44 20 0 1 0 5 6 7\n")
	if err != nil || pid != 42 || p != (process{parent: 7, ticks: 110}) {
		t.Errorf("got %d, %+v, %v", pid, p, err)
	}
	for _, broken := range []string{"", "x (a) S 1", "1 (a) S 2 3", "1 (a) S x 1 1 0 -1 0 1 2 3 4 1 1 1 1 1", "1 (a) S 1 1 1 0 -1 0 1 2 3 4 x 1 1 1 1"} {
		if _, _, err := parseStat(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestParseBusy(t *testing.T) {
	t.Parallel()
	if d, err := parseBusy("cpu  1 2 3 1000 2000 4 5 6 0 0"); err != nil || d != 210*time.Millisecond {
		t.Errorf("got %v, %v", d, err)
	}
	for _, broken := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu 1 2 x 4 5 6 7 8"} {
		if _, err := parseBusy(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestProcessorCountsChildrenThatHaveEnded(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	before, err := Processor(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := exec.Command(os.Args[0], "-test.list=.").Run(); err != nil {
			t.Fatal(err)
		}
	}
	after, err := Processor(os.Getpid())
	if err != nil || after <= before || after > before+time.Minute {
		t.Errorf("from %v to %v: %v", before, after, err)
	}
	if peak, err := Peak(os.Getpid()); err != nil || peak < 1<<20 {
		t.Errorf("the peak is %d: %v", peak, err)
	}
	if _, err := Processor(-1); err == nil {
		t.Error("a process that is not there has a time")
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/f", make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := Size(dir); err != nil || n < 100_000 || n > 300_000 {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := Size(dir + "/none"); err != nil || n != 0 {
		t.Errorf("of a folder that is not there: %d, %v", n, err)
	}
}
