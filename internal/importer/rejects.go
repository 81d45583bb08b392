package importer

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/event"
)

// rejectsName is the folder of the data directory with the lists of what an import could not read, a file an import.
const rejectsName = "rejected"

// excerpt is how much of a record's bytes is listed. PostgreSQL has them all, under the event's id.
const excerpt = 4 << 10

// rejection is a line of the list.
type rejection struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Reason string `json:"reason"`
	Event  string `json:"event,omitempty"` // in PostgreSQL, with all of it; empty: the file could not be read further
	Bytes  int    `json:"bytes,omitempty"` // of it, where Raw is cut
	Raw    string `json:"raw,omitempty"`
	Base64 string `json:"raw_base64,omitempty"` // where it is no text
}

// rejects lists what could not be read. The file is created with the first line, and only the user may read
// it: it quotes what people wrote.
type rejects struct {
	dir string // empty: nothing is listed
	now func() time.Time

	mu    sync.Mutex // covers all below
	file  *os.File
	out   *bufio.Writer
	count int
	err   error // the first
}

// event lists an event of kind unparsed. Several files may be read at once.
func (r *rejects) event(path string, e *event.Event) {
	j := rejection{File: path, Event: e.ID.String()}
	if u, ok := e.Body.(*event.Unparsed); ok {
		j.Line, j.Offset, j.Reason = u.Line, u.Offset, u.Reason
	}
	raw := e.Raw
	if len(raw) > excerpt {
		j.Bytes, raw = len(raw), wholeRunes(raw[:excerpt])
	}
	if utf8.Valid(raw) {
		j.Raw = string(raw)
	} else {
		j.Base64 = base64.StdEncoding.EncodeToString(raw)
	}
	r.list(j)
}

// unreadable lists a file that could not be read to its end.
func (r *rejects) unreadable(path string, why error) {
	r.list(rejection{File: path, Reason: app.OneLine(why.Error())})
}

// wholeRunes removes an incomplete rune at the end.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n < len(b); n++ {
		if utf8.RuneStart(b[len(b)-n]) && !utf8.FullRune(b[len(b)-n:]) {
			return b[:len(b)-n]
		}
	}
	return b
}

func (r *rejects) list(j rejection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count++; r.dir == "" || r.err != nil {
		return
	}
	if r.file == nil {
		r.err = r.begin()
	}
	if r.err == nil {
		enc := json.NewEncoder(r.out)
		enc.SetEscapeHTML(false)
		r.err = enc.Encode(j)
	}
}

// begin creates the file: its name is the time, and a number if two imports begin in one second.
func (r *rejects) begin() error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s-%d.jsonl", r.now().UTC().Format("20060102T150405Z"), n)
		f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			r.file, r.out = f, bufio.NewWriter(f)
		}
		return err
	}
}

// close returns the list's path, empty where there is none, and how many lines it has.
func (r *rejects) close() (path string, n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.err
	if r.file != nil {
		path = r.file.Name()
		err = errors.Join(err, r.out.Flush(), r.file.Close())
		r.file = nil
	}
	if err != nil {
		err = fmt.Errorf("listing what could not be read in %s: %w; PostgreSQL has it all the same", r.dir, err)
	}
	return path, r.count, err
}
