package corpus

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCorpus_Write_deterministic(t *testing.T) {
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

func TestCorpus_Write(t *testing.T) {
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

func TestCorpus_Write_diskFull(t *testing.T) {
	t.Parallel()
	if _, err := (Corpus{Messages: 1, Bytes: 425}).Write(full{}); err == nil {
		t.Error("no error")
	}
}
