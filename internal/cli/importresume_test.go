package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// long is an export that takes some seconds, with two lines that cannot be read.
func long(t testing.TB, path string, messages int) {
	t.Helper()
	var b strings.Builder
	for i := range messages {
		fmt.Fprintf(&b, `{"channel":"long","id":"%d","author":"a%d","text":"this is message %d","sent":"2024-01-02T03:04:05Z"}`+"\n", i, i%7, i)
		if i == 10 || i == messages-10 {
			b.WriteString("this is no JSON, and somebody's\n")
		}
	}
	write(t, path, b.String())
}

// comes is how many events are in the record.
func (w *world) comes() int {
	w.t.Helper()
	n, err := strconv.Atoi(w.ask("SELECT count(*)::text FROM agrichat.events")[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestImport_Killed holds that kill -9 in the middle of a file costs no second reading of what came before, that nothing is
// missing or double, and that the report says so; and that a file which has grown since is read from its start.
func TestImport_Killed(t *testing.T) {
	t.Parallel()
	const messages = 60_000
	w, dir := newOutside(t), t.TempDir()
	file := filepath.Join(dir, "long.jsonl")
	long(t, file, messages)
	w.run("import", sample(t, "jsonl")).want(0) // makes the stores
	before := w.comes()
	p := w.process("import", file, "--output", "json")
	eventually(t, "a fifth has come", func() bool { return w.comes() > before+messages/5 })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil {
		t.Fatal("the import was done before it could be killed")
	}
	var r imported
	w.run("import", file, "--output", "json").want(0).into(&r)
	if r.Resumed == 0 || r.Resumed+r.Read != messages+2 || r.PerFile[0].Resumed != r.Resumed {
		t.Errorf("%d records were passed over and %d read, of %d: %+v", r.Resumed, r.Read, messages+2, r.PerFile)
	}
	if r.Published >= messages || r.Published+r.Known != r.Read {
		t.Errorf("%d were published, %d known", r.Published, r.Known)
	}
	if n := w.comes(); n != before+messages+2 {
		t.Errorf("%d events came, want %d", n-before, messages+2)
	}
	w.grows(file, messages)
	w.equal()
}

// grows holds that a file with one more line is read from its start, and that no more than the line is published.
func (w *world) grows(file string, messages int) {
	w.t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`{"channel":"long","id":"new","author":"a","text":"new","sent":"2024-01-02T03:04:05Z"}` + "\n")
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
	r := imported{}
	w.run("import", file, "--output", "json").want(0).into(&r)
	if r.Resumed != 0 || r.Published != 1 || r.Known != messages+2 {
		w.t.Errorf("of one line more came %+v", r)
	}
	checkRejects(w.t, r, 2)
}

// checkRejects holds that what could not be read is listed, for nobody but the user.
func checkRejects(t testing.TB, r imported, want int) {
	t.Helper()
	f, err := os.Open(r.Rejects)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	n := 0
	for ; lines.Scan(); n++ {
		var j struct {
			File, Reason, Raw, Event string
			Line                     int
		}
		if err := json.Unmarshal(lines.Bytes(), &j); err != nil {
			t.Error(err)
		}
		if j.Line == 0 || j.Reason == "" || j.Event == "" || !strings.HasPrefix(j.Raw, "this is no JSON") {
			t.Errorf("listed is %s", lines.Text())
		}
	}
	if n != want || r.Rejected != want || r.Unparsed != want {
		t.Errorf("%d are listed, %d said to be, want %d", n, r.Rejected, want)
	}
}

// TestImport_Stopped the same after Ctrl-C, which also says what to do.
func TestImport_Stopped(t *testing.T) {
	t.Parallel()
	const messages = 40_000
	w, dir := newOutside(t), t.TempDir()
	file := filepath.Join(dir, "long.jsonl")
	long(t, file, messages)
	w.run("import", sample(t, "jsonl")).want(0)
	before := w.comes()
	p := w.start("", "import", file, "--output", "json")
	eventually(t, "a fifth has come", func() bool { return w.comes() > before+messages/5 })
	stopped := p.stop().want(1).says("the same command goes on from here")
	var first, second imported
	stopped.into(&first)
	w.run("import", file, "--output", "json").want(0).into(&second)
	if second.Resumed == 0 || second.Resumed > first.Read || second.Resumed+second.Read != messages+2 || first.PerFile[0].Error == "" {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if w.comes() != before+messages+2 {
		t.Errorf("%d events came", w.comes()-before)
	}
	w.equal()
}

// TestImport_OtherAccount holds that who stops an import because of a wrong flag loses nothing by giving the right
// one.
func TestImport_OtherAccount(t *testing.T) {
	t.Parallel()
	const messages = 40_000
	w, dir := newOutside(t), t.TempDir()
	file := filepath.Join(dir, "long.jsonl")
	long(t, file, messages)
	w.run("import", sample(t, "jsonl")).want(0)
	before := w.comes()
	p := w.start("", "import", file, "--output", "json", "--namespace", "wrong")
	eventually(t, "a fifth has come", func() bool { return w.comes() > before+messages/5 })
	p.stop().want(1)
	var r imported
	w.run("import", file, "--output", "json", "--namespace", "right").want(0).into(&r)
	if r.Resumed != 0 || r.Published != messages+2 {
		t.Errorf("%+v", r)
	}
}

// TestImport_OverlapsAtOnce holds that several files of one chat, read side by side, come out as one after the other do.
func TestImport_OverlapsAtOnce(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	for part := range 8 {
		var b strings.Builder
		for i := part * 100; i < part*100+400; i++ { // each line in up to four files
			fmt.Fprintf(&b, `{"channel":"c","id":"%d","author":"a","text":"%d","sent":"2024-01-02T03:04:05Z"}`+"\n", i, i)
		}
		write(t, filepath.Join(dir, fmt.Sprint(part, ".jsonl")), b.String())
	}
	var first, again imported
	w.run("import", dir, "--jobs", "4", "--output", "json").want(0).into(&first)
	if first.Read != 3200 || first.Published+first.Known != 3200 || first.Stored != 1100 || len(first.PerFile) != 8 {
		t.Errorf("first %+v", first)
	}
	if n := w.ask("SELECT count(*)::text FROM agrichat.v_messages")[0]; n != "1100" {
		t.Errorf("%s messages are there", n)
	}
	w.run("import", dir, "--jobs", "4", "--output", "json").want(0).into(&again)
	if again.Published != 0 || again.Known != 3200 {
		t.Errorf("again %+v", again)
	}
	for i := range first.PerFile {
		if filepath.Base(first.PerFile[i].Path) != fmt.Sprint(i, ".jsonl") {
			t.Errorf("file %d is %s", i, first.PerFile[i].Path)
		}
	}
	w.equal()
}
