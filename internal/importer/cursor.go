package importer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// tailSize is how much of a file's end distinguishes it from another one of its size.
const tailSize = 64 << 10

// cursorName names a reading of a file: where the file is, what its content looks like, the options that it is read with, and which
// stream its events go to. Where any of these has changed, what was read before is no part of this reading, and it begins at the
// start: an event that is stored already is a duplicate and is not published again, while what is skipped is lost.
//
// A file whose middle was changed, and which then was given its old size and time again, is taken for the same.
func cursorName(f files.Found, o producers.Options, created time.Time) string {
	path, err := filepath.Abs(f.File.Path)
	if err != nil {
		path = f.File.Path
	}
	zone := ""
	if o.Zone != nil {
		zone = o.Zone.String()
	}
	return "import/" + event.Digest(string(f.Def.Name), path, f.Stamp, string(f.File.Head), tail(f.File),
		string(o.Account), string(o.Namespace), string(o.Channel), zone, o.Charset, string(o.DateOrder), created.UTC().Format(time.RFC3339Nano))
}

// cursorName is the name for one incarnation of the stream: a cursor that was saved by an import which was running while the stream
// was restored is ahead of messages that were lost.
func (i *Importer) cursorName(f files.Found) string {
	name := cursorName(f, i.Options, i.created)
	if i.incarnation > 1 {
		name += "." + strconv.Itoa(int(i.incarnation))
	}
	return name
}

// tail is the end of a file, nothing where only reading all of it would give it: in a zip, whose checksum is in the stamp.
func tail(f producers.File) string {
	if f.Size <= int64(len(f.Head)) {
		return ""
	}
	r, err := f.Open()
	if err != nil {
		return "" // reading the file will return the reason
	}
	defer func() { _ = r.Close() }() // nothing was written
	at, ok := r.(io.ReaderAt)
	if !ok {
		return ""
	}
	end := make([]byte, min(tailSize, f.Size))
	n, _ := at.ReadAt(end, f.Size-int64(len(end)))
	return string(end[:n])
}

// resumeCursors saves, with the cursor of a file, how much of it was read, so that an import that resumes can report it.
type resumeCursors struct {
	ingest.Cursors
	resumed func(position) // called with where reading resumes

	mu     sync.Mutex // covers all below
	before position   // of the readings that this one resumes
	now    position   // of this one
}

// position is how much of a file was read.
type position struct {
	read  int // records
	bytes int64
}

// Load implements ingest.Cursors.
func (r *resumeCursors) Load(ctx context.Context, name string) (producers.Cursor, error) {
	data, err := r.Cursors.Load(ctx, name)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	at, cursor, err := decodeCursor(data)
	if err != nil {
		return nil, nil // from the start: what is stored is not published again
	}
	r.mu.Lock()
	r.before = at
	r.mu.Unlock()
	r.resumed(at)
	return cursor, nil
}

// Save implements ingest.Cursors.
func (r *resumeCursors) Save(ctx context.Context, name string, c producers.Cursor) error {
	r.mu.Lock()
	at := position{r.before.read + r.now.read, r.before.bytes + r.now.bytes}
	r.mu.Unlock()
	return r.Cursors.Save(ctx, name, encodeCursor(at, c))
}

// observe notes how far this reading is.
func (r *resumeCursors) observe(p ingest.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = position{p.Read, p.Bytes}
}

// readBefore is how many records were read before.
func (r *resumeCursors) readBefore() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.before.read
}

func encodeCursor(at position, c producers.Cursor) producers.Cursor {
	return append(fmt.Appendf(nil, "%d %d\n", at.read, at.bytes), c...)
}

func decodeCursor(data producers.Cursor) (at position, c producers.Cursor, err error) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	read, size, _ := bytes.Cut(head, []byte(" "))
	if at.read, err = strconv.Atoi(string(read)); err == nil {
		at.bytes, err = strconv.ParseInt(string(size), 10, 64)
	}
	return at, rest, err
}
