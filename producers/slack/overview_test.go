package slack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// files makes an export of its files' contents.
func files(of map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, data := range of {
		out[name] = &fstest.MapFile{Data: []byte(data), ModTime: time.Unix(1, 0)}
	}
	return out
}

// namespaces reads an export, and returns where its events are, and the codes of its notices.
func namespaces(t *testing.T, export fs.FS, o producers.Options) (in []event.Namespace, codes []string) {
	t.Helper()
	found, notices := map[event.Namespace]bool{}, map[string]bool{}
	def := Definition()
	err := fs.WalkDir(export, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(export, name)
		if err != nil {
			return err
		}
		f := producertest.File("e/"+name, data)
		f.Beside = func(rel string) (io.ReadCloser, error) { return export.Open(path.Join(path.Dir(name), rel)) }
		if def.Recognise(f) == producers.No {
			return nil
		}
		for _, b := range batchesOf(t, def, f, o) {
			for _, e := range b.Events {
				found[e.Namespace] = true
			}
			for _, n := range b.Notices {
				notices[n.Code] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(notices))
}

func TestWorkspace_Namespace(t *testing.T) {
	join := string(dayOf(pretty(`"type": "message"`, `"subtype": "channel_join"`, `"user": "U0000ANNA"`, `"text": "x"`, `"ts": "1714550300.000100"`)))
	home := string(dayOf(said1("1714550400.000100", "x", `"team": "T00000FARM"`), said1("1714550401.000100", "y", `"team": "T00000FARM"`)))
	guest := string(dayOf(said1("1714636800.000100", "z", `"team": "T000OTHERS"`)))
	bare := string(dayOf(said1("1714636800.000100", "z")))
	for name, c := range map[string]struct {
		files   map[string]string
		options producers.Options
		want    event.Namespace
		codes   []string
	}{
		"no list of users": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": join, "field/2024-05-02.json": home, "x/2024-05-03.json": bare},
			producers.Options{}, "T00000FARM", []string{"channel-from-path", "namespace-derived"}},
		"a guest comes first": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": guest, "field/2024-05-02.json": home},
			producers.Options{}, "T00000FARM", []string{"namespace-derived"}},
		"users without a team": {
			map[string]string{"users.json": `[{"id": "U0000ANNA", "name": "anna", "profile": {}}]`, "channels.json": exportChannels, "field/2024-05-01.json": home},
			producers.Options{}, "T00000FARM", []string{"namespace-derived"}},
		"nobody says": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": join, "field/2024-05-02.json": bare},
			producers.Options{}, "slack", []string{"namespace-assumed"}},
		"only whose the writer is": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": join,
				"field/2024-05-02.json": string(dayOf(said1("1714636800.000100", "z", `"user_profile": {"name": "anna", "team": "T00000FARM"}`)))},
			producers.Options{}, "T00000FARM", []string{"namespace-derived"}},
		"only where it was written": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": join,
				"field/2024-05-02.json": string(dayOf(said1("1714636800.000100", "z", `"source_team": "T00000FARM"`)))},
			producers.Options{}, "T00000FARM", []string{"namespace-derived"}},
		"only in addresses": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": join,
				"field/2024-05-02.json": string(dayOf(said1("1714636800.000100", "z", `"files": [{"id": "F1", "name": "a", "url_private": "https:\/\/files.slack.com\/files-pri\/T00000FARM-F1\/a"}]`)))},
			producers.Options{}, "T00000FARM", []string{"namespace-derived"}},
		"far into the file": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-02.json": string(dayOf(said1("1714636800.000100", strings.Repeat("long ", producers.HeadSize/5)),
				said1("1714636801.000100", "z", `"team": "T00000FARM"`)))},
			producers.Options{}, "T00000FARM", []string{"namespace-derived"}},
		"the user says": {
			map[string]string{"channels.json": exportChannels, "field/2024-05-01.json": join, "field/2024-05-02.json": home},
			producers.Options{Namespace: "farm"}, "farm", nil},
		"a list of users": {
			map[string]string{"users.json": exportUsers, "channels.json": exportChannels, "field/2024-05-01.json": guest},
			producers.Options{}, "T00000FARM", nil},
		"a folder of one channel": {
			map[string]string{"2024-05-01.json": join, "2024-05-02.json": home}, producers.Options{}, "T00000FARM",
			[]string{"channel-from-path", "namespace-derived"}},
	} {
		t.Run(name, func(t *testing.T) {
			in, codes := namespaces(t, files(c.files), c.options)
			if !slices.Equal(in, []event.Namespace{c.want}) || !slices.Equal(codes, c.codes) {
				t.Errorf("namespaces %q, notices %q; want %q, %q", in, codes, c.want, c.codes)
			}
		})
	}
}

// counting opens files, and counts which.
type counting struct {
	fs.FS
	opened map[string]bool
}

func (c *counting) Open(name string) (fs.File, error) {
	c.opened[name] = true
	return c.FS.Open(name)
}

// TestOverview_Team: of however many days not all are opened, and where the first do not name the workspace, later ones do.
func TestOverview_Team(t *testing.T) {
	of := map[string]string{}
	for i := range 5 * mostDays {
		day := time.Date(2010, 1, 1+i, 0, 0, 0, 0, time.UTC)
		more := ""
		if i > 4*mostDays {
			more = `, "team": "T00000FARM"`
		}
		of["field/"+day.Format(time.DateOnly)+".json"] = fmt.Sprintf(`[{"type": "message", "user": "U0000ANNA", "text": "x", "ts": "%d.000100"%s}]`, day.Unix(), more)
	}
	export := &counting{files(of), map[string]bool{}}
	f := producertest.File("e/field/2010-01-01.json", []byte(of["field/2010-01-01.json"]))
	f.Beside = func(rel string) (io.ReadCloser, error) { return export.Open(path.Join("field", rel)) }
	o, err := lookOver(f, "../")
	if err != nil {
		t.Fatal(err)
	}
	if team, err := o.team(); err != nil || team != "T00000FARM" {
		t.Errorf("team %q: %v", team, err)
	}
	if n := len(export.opened); n > 2*mostDays+10 {
		t.Errorf("%d files were opened", n)
	}
}

// TestWorkspace_LaterExport: that a later export has a list of users makes no other messages.
func TestWorkspace_LaterExport(t *testing.T) {
	of := map[string]string{"channels.json": exportChannels,
		"field/2024-05-01.json": string(dayOf(said1("1714550300.000100", "x"))),
		"field/2024-05-02.json": string(dayOf(said1("1714636800.000100", "y", `"team": "T00000FARM"`)))}
	ids := func(export fs.FS) (out []event.ID) {
		for _, e := range readExport(t, export) {
			if e.Kind == event.KindMessage {
				out = append(out, e.ID)
			}
		}
		return out
	}
	early := ids(files(of))
	of["users.json"] = exportUsers
	if later := ids(files(of)); len(early) != 2 || !slices.Equal(early, later) {
		t.Errorf("%v, with users.json %v", early, later)
	}
}

func TestWorkspace_UnlistableFolder(t *testing.T) {
	f := producertest.File("e/field/2024-05-01.json", dayOf(said1("1714550400.000100", "x")))
	f.Beside = func(rel string) (io.ReadCloser, error) {
		if rel == ".." {
			return nil, errors.New("the disk is on fire")
		}
		return nil, fs.ErrNotExist
	}
	src, err := Definition().Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(t.Context(), nil); err == nil {
		t.Error("ids may be others than those of the whole export")
	}
}

// TestReader_ReactionTime: an export shows what was true when its newest message was sent, or later.
func TestReader_ReactionTime(t *testing.T) {
	of := map[string]string{"channels.json": exportChannels, "users.json": exportUsers,
		"field/2024-05-01.json": string(dayOf(said1("1714550300.000100", "x", `"reactions": [{"name": "a", "count": 1, "users": ["U0000ANNA"]}]`))),
		"field/2024-05-02.json": string(dayOf(said1("1714636800.000100", "y"))),
		"other/2024-05-02.json": string(dayOf(said1("1714636900.000200", "z", `"edited": {"user": "U0000ANNA", "ts": "1714640000.000300"}`), said1("1714636850.000100", "w")))}
	for _, e := range readExport(t, files(of)) {
		if _, ok := e.Body.(*event.Reactions); ok && e.Sent != instant("1714640000.000300") {
			t.Errorf("reactions as of %v", e.Sent)
		}
	}
}

func TestReader_Charset(t *testing.T) {
	cp1251 := func(s string) string {
		out, err := charmap.Windows1251.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	of := map[string]string{
		"users.json":             cp1251(`[{"id": "U0000ANNA", "team_id": "T00000FARM", "name": "анна", "updated": 1700000000, "profile": {"display_name": "Анна"}}]`),
		"channels.json":          cp1251(`[{"id": "C0000FIELD", "name": "огород", "created": 1600000000, "members": ["U0000ANNA"], "topic": {"value": "помидоры", "last_set": 1650000000}}]`),
		"dms.json":               `[{"id":"D000000001","created":1600000002,"members":["U0000ANNA"]}]`,
		"огород/2024-05-01.json": cp1251(string(dayOf(said1("1714550300.000100", "помидоры взошли после дождя", `"reactions": [{"name": "ура", "count": 1, "users": ["U0000ANNA"]}]`)))),
	}
	in := func(charset string) []event.Event {
		var out []event.Event
		def, export := Definition(), files(of)
		for _, name := range slices.Sorted(maps.Keys(of)) {
			f := producertest.File("e/"+name, []byte(of[name]))
			f.Beside = func(rel string) (io.ReadCloser, error) { return export.Open(path.Join(path.Dir(name), rel)) }
			for _, b := range batchesOf(t, def, f, producers.Options{Charset: charset}) {
				out = append(out, b.Events...)
			}
		}
		return out
	}
	right := in("windows-1251")
	for _, other := range [][]event.Event{in(""), in("koi8-r")} {
		if len(other) != len(right) {
			t.Fatalf("%d events, in another charset %d", len(right), len(other))
		}
		for i := range right {
			if right[i].ID != other[i].ID && right[i].Channel == other[i].Channel {
				t.Errorf("%s %s has another id in another charset", right[i].Kind, right[i].NativeID)
			}
		}
	}
	for _, all := range [][]event.Event{right, in("")} {
		for _, e := range all {
			switch b := e.Body.(type) {
			case *event.Message:
				if b.Text != "помидоры взошли после дождя" || e.Author.Name != "Анна" || e.Channel != "C0000FIELD" || e.Reading.Charset != "windows-1251" {
					t.Errorf("%+v: %q", e, b.Text)
				}
			case *event.Reactions:
				if b.Counts[0].Emoji != "ура" {
					t.Errorf("%+v", b)
				}
			case *event.ChannelInfo:
				if b.Name != "огород" && b.Name != "Анна" {
					t.Errorf("%+v", b)
				}
			case *event.Identity:
				if b.Username != "анна" {
					t.Errorf("%+v", b)
				}
			}
		}
	}
}
