package cli_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imported is what an import says at its end.
type imported struct {
	Files, Read, Published, Known, Stored, Facts, Unparsed, Ambiguous int
	Resumed, Rejected                                                 int
	Rejects                                                           string `json:"rejected_file"`
	Seconds                                                           float64
	DryRun                                                            bool `json:"dry_run"`
	PerChat                                                           []struct {
		Source, Namespace, Channel, Name                           string
		Read, Published, Known, Stored, Facts, Unparsed, Ambiguous int
	} `json:"per_chat"`
	PerFile []struct {
		Path, Source                              string
		Read, Published, Known, Unparsed, Resumed int
		Error                                     string
	} `json:"per_file"`
	Places []struct {
		File   string
		Line   int
		Offset int64
		Reason string
	} `json:"unparsed_places"`
	Skipped []struct{ Path, Why string }

	Belonging int `json:"export_files"`
}

// compared is what a verification says.
type compared struct {
	Sequence, Bus, Postgres, ClickHouse, Missing, Extra, Differing int
	Equal                                                          bool
	DeadLetters                                                    int `json:"dead_letters"`
	Things                                                         []struct {
		Kind                                            string
		Postgres, ClickHouse, Missing, Extra, Differing int
	}
	Problems []struct {
		What, Kind, ID string
		Sequence       int
		Detail         string
	}
}

// equal fails the test unless the stores are.
func (w *world) equal() compared {
	w.t.Helper()
	var c compared
	w.run("verify", "--output", "json").want(0).into(&c)
	if !c.Equal || c.Missing+c.Extra+c.Differing > 0 || c.Bus != c.Postgres || c.ClickHouse != c.Postgres-c.DeadLetters {
		w.t.Fatalf("not equal: %+v", c)
	}
	return c
}

// fields fails the test unless an object has all these, and returns it.
func fields(t testing.TB, data []byte, names ...string) map[string]json.RawMessage {
	t.Helper()
	var o map[string]json.RawMessage
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	for _, n := range names {
		if _, has := o[n]; !has {
			t.Errorf("there is no %s in %s", n, data)
		}
	}
	return o
}

// reportNames are what scripts rely on in the report of an import, also for each chat but for the first and the last.
func reportNames() []string {
	return []string{"read", "published", "known", "stored", "facts", "unparsed", "ambiguous"}
}

// TestDemo is the one command that shows the program working, and what whoever tries it does next.
func TestDemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run("demo", sample(t), "--once", "--output", "json").want(0).quiet()
	parts := fields(t, []byte(r.out), "import", "figures", "verify")
	top := fields(t, parts["import"], append(reportNames(), "files", "seconds", "per_chat")...)
	fields(t, parts["verify"], "sequence", "bus", "postgres", "clickhouse", "missing", "extra", "differing", "equal", "problems")
	var chats []json.RawMessage
	if err := json.Unmarshal(top["per_chat"], &chats); err != nil || len(chats) == 0 {
		t.Fatalf("there are no chats: %v", err)
	}
	fields(t, chats[0], append(reportNames(), "source", "namespace", "channel")...)

	var got struct {
		Import imported
		Verify compared
	}
	r.into(&got)
	checkSample(t, &got.Import, &got.Verify)

	again := w.run("demo", sample(t), "--once").want(0).quiet()
	again.prints("0 events published", "verified up to sequence", "WHO WROTE MOST", "BUSIEST HOURS", "NETWORK", "unparsed: ", "of the exports: media")
	again.says("ready in", "known")
	for line := range strings.Lines(again.out) {
		if strings.HasPrefix(line, "{") || strings.Contains(line, "level=") {
			t.Errorf("standard output holds more than results: %s", line)
		}
	}
	w.run("stats", "--top", "1", "--zone", "Europe/Moscow").want(0).quiet().prints("BUSIEST HOURS (Europe/Moscow; ")
	fields(t, []byte(w.run("stats", "--output", "json").want(0).out), "totals", "chats", "authors", "zone", "networks")
}

// checkSample holds what was read against the files themselves.
func checkSample(t *testing.T, i *imported, v *compared) {
	t.Helper()
	known, other := 0, 0
	_ = filepath.WalkDir(sample(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			t.Error(err)
		case d.IsDir():
		case filepath.Ext(path) == ".log", filepath.Ext(path) == ".json", filepath.Ext(path) == ".jsonl", filepath.Ext(path) == ".weechatlog":
			known++
		default:
			other++
		}
		return nil
	})
	if i.Files != known || len(i.Skipped)+i.Belonging != other {
		t.Errorf("%d files were read and %d skipped, want %d and %d", i.Files, len(i.Skipped)+i.Belonging, known, other)
	}
	data, err := os.ReadFile(sample(t, "jsonl", "bookforum.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range i.PerFile {
		if f.Source == "jsonl" && f.Read != bytes.Count(data, []byte("\n")) {
			t.Errorf("%d records of %s were read, want %d", f.Read, f.Path, bytes.Count(data, []byte("\n")))
		}
	}
	var published, stored, facts, unparsed int
	for _, c := range i.PerChat {
		published, stored, facts, unparsed = published+c.Published, stored+c.Stored, facts+c.Facts, unparsed+c.Unparsed
	}
	if published != i.Published || stored != i.Stored || facts != i.Facts || unparsed != i.Unparsed {
		t.Errorf("the chats add up to %d, %d, %d, %d, the whole is %+v", published, stored, facts, unparsed, i)
	}
	if i.Published < v.Bus || v.Sequence >= v.Bus || i.Stored != v.Bus || len(i.Places) != i.Unparsed || i.Unparsed == 0 || i.Seconds <= 0 {
		t.Errorf("imported %+v, verified %+v", i, v)
	}
	if !v.Equal || v.Bus != v.Postgres || v.Bus != v.ClickHouse || v.Missing+v.Extra+v.Differing != 0 {
		t.Errorf("not equal: %+v", v)
	}
	total := 0
	for _, k := range v.Things {
		if k.Kind != "identities" { // are of no chat, and counted by none
			total += k.ClickHouse
		}
	}
	if i.Facts < total {
		t.Errorf("%d facts make %d things", i.Facts, total)
	}
}

func TestImport_Again(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var dry, first, again imported
	w.run("import", sample(t), "--dry-run", "--output", "json").want(0).quiet().into(&dry)
	w.run("import", sample(t), "--output", "json").want(0).quiet().into(&first)
	before := w.equal().Sequence
	w.run("import", sample(t), "--output", "json").want(0).quiet().into(&again)
	if dry.Read != first.Read || dry.Unparsed != first.Unparsed || !dry.DryRun || dry.Published+dry.Stored+dry.Facts+dry.Known != 0 {
		t.Errorf("the dry run says %+v, the other %+v", dry, first)
	}
	if again.Published != 0 || again.Stored != 0 || again.Read != first.Read || again.Known != first.Published+first.Known {
		t.Errorf("the first import says %+v, the second %+v", first, again)
	}
	if w.equal().Sequence != before {
		t.Error("something was published twice")
	}
}

const (
	truncated = `{"name":"Обрыв","type":"personal_chat","id":77,"messages":[
{"id":1,"type":"message","date":"2024-01-02T03:04:05","date_unixtime":"1704164645","from":"Аня","from_id":"user5","text":"цел","text_entities":[]},
{"id":2,"type":"message","date":"2024-01-02T03:04:06","date_unixtime":"1704164646","from":"Аня","from_id":"user5","text":"обор`
	jsonLine = `{"channel":"c","author":"a","text":"hello","sent":"2024-01-02T03:04:05Z"}` + "\n"
)

// TestImport_BadInput holds that nothing crashes and nothing is lost: what cannot be read is kept with its place.
func TestImport_BadInput(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	garbage := "\x00\xff\xfe\x1b[31m" + strings.Repeat("\x81\x00", 400) + "\n" + jsonLine
	write(t, filepath.Join(dir, "whole", "result.json"), truncated)
	write(t, filepath.Join(dir, "whole", "notes.txt"), "what I must not forget\n")
	write(t, filepath.Join(dir, "whole", "empty.json"), "")
	write(t, filepath.Join(dir, "garbage.bin"), garbage)
	var r imported
	w.run("import", filepath.Join(dir, "whole"), "--account", "me", "--output", "json").want(0).into(&r)
	if r.Files != 1 || r.Unparsed != 1 || len(r.Skipped) != 2 || len(r.Places) != 1 || r.Stored != r.Published {
		t.Errorf("imported %+v", r)
	}
	if p := r.Places[0]; p.Line != 3 || p.Offset == 0 || p.Reason == "" || !strings.HasSuffix(p.File, "result.json") {
		t.Errorf("the place is %+v", p)
	}
	w.run("import", filepath.Join(dir, "whole"), "--account", "me").want(0).
		prints("skipped "+filepath.Join(dir, "whole", "notes.txt"), "line 3", "known")
	w.run("import", filepath.Join(dir, "garbage.bin")).want(1).says("no source recognises")
	r = imported{}
	w.run("import", filepath.Join(dir, "garbage.bin"), "--source", "jsonl", "--output", "json").want(0).into(&r)
	if r.Unparsed == 0 || r.Stored != r.Published || len(r.Places) != r.Unparsed {
		t.Errorf("of garbage was made %+v", r)
	}
	if text := w.run("import", filepath.Join(dir, "garbage.bin"), "--source", "jsonl").want(0).out; strings.ContainsAny(text, "\x1b\x00") {
		t.Errorf("garbage reaches the terminal: %q", text)
	}
	w.kept(truncated[strings.LastIndex(truncated, `{"id":2`):], strings.SplitAfter(garbage, "\n")[0])
	w.equal()
}

// kept fails the test unless the record keeps these bytes as they came.
func (w *world) kept(want ...string) {
	w.t.Helper()
	rows, err := w.postgres().Query(w.t.Context(), "SELECT raw FROM agrichat.events WHERE kind = 'unparsed'")
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, strings.TrimRight(string(raw), "\n"))
	}
	for _, want := range want {
		found := false
		for _, raw := range all {
			found = found || raw == strings.TrimRight(want, "\n")
		}
		if !found {
			w.t.Errorf("%q is not kept, but %q", want, all)
		}
	}
}

// TestImport_UnreadableFile holds that a file that cannot be opened keeps nobody from the others.
func TestImport_UnreadableFile(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	w, dir := newWorld(t), t.TempDir()
	write(t, filepath.Join(dir, "a.jsonl"), jsonLine)
	write(t, filepath.Join(dir, "b.jsonl"), jsonLine)
	if err := os.Chmod(filepath.Join(dir, "b.jsonl"), 0); err != nil {
		t.Fatal(err)
	}
	var r imported
	w.run("import", dir, "--dry-run", "--output", "json").want(0).into(&r)
	if r.Files != 1 || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, "permission") {
		t.Errorf("imported %+v", r)
	}
}

// TestImport_ManySkipped holds that a folder of pictures does not fill the screen.
func TestImport_ManySkipped(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	write(t, filepath.Join(dir, "a.jsonl"), jsonLine)
	for i := range 50 {
		write(t, filepath.Join(dir, "odd", strings.Repeat("p", i+1)+".xyz"), "nobody reads this")
	}
	r := w.run("import", dir, "--dry-run").want(0).prints("... and 30 more files skipped")
	if n := strings.Count(r.out, "\n"); n > 30 {
		t.Errorf("%d lines are printed:\n%s", n, r.out)
	}
	var all imported
	w.run("import", dir, "--dry-run", "--output", "json").want(0).into(&all)
	if diff := cmp.Diff(50, len(all.Skipped)); diff != "" {
		t.Error(diff)
	}
}
