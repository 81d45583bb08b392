package cli

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

// tailSize is how much of a file's end tells it from another one of its size.
const tailSize = 64 << 10

// cursorName names a reading of a file: where the file is, what its content looks like, what was said about it, and which
// stream it goes to. Where any of these has changed, what was read before is no part of this reading, and it begins at the
// start: the record knows what came already, while what is passed over is lost.
//
// A file whose middle was changed, and which then was given its old size and time again, is taken for the same.
func cursorName(f files.Found, o producers.Options, stream time.Time) string {
	path, err := filepath.Abs(f.File.Path)
	if err != nil {
		path = f.File.Path
	}
	zone := ""
	if o.Zone != nil {
		zone = o.Zone.String()
	}
	return "import/" + event.Digest(string(f.Def.Name), path, f.Stamp, string(f.File.Head), tail(f.File),
		string(o.Account), string(o.Namespace), string(o.Channel), zone, o.Charset, string(o.DateOrder), stream.UTC().Format(time.RFC3339Nano))
}

// cursorOf is cursorName for one incarnation of the stream: a cursor that was saved by an import which went on while the stream
// was put back stands behind messages that were lost.
func (i *importing) cursorOf(f files.Found) string {
	name := cursorName(f, i.options, i.stream)
	if i.incarnation > 1 {
		name += "." + strconv.Itoa(int(i.incarnation))
	}
	return name
}

// tail is the end of a file, nothing where only reading all of it would tell: in a zip, whose checksum is in the stamp.
func tail(f producers.File) string {
	if f.Size <= int64(len(f.Head)) {
		return ""
	}
	r, err := f.Open()
	if err != nil {
		return "" // whoever reads the file will say why
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

// resumption keeps, beside the cursor of a file, how much of it had been read, so that who goes on can say so.
type resumption struct {
	ingest.Cursors
	found func(read int, bytes int64) // told where reading goes on

	mu     sync.Mutex // covers all below
	before amount     // by the readings that this one goes on from
	now    amount     // by this one
}

// amount is how much of a file was read.
type amount struct {
	read  int
	bytes int64
}

// Load implements ingest.Cursors.
func (r *resumption) Load(ctx context.Context, name string) (producers.Cursor, error) {
	data, err := r.Cursors.Load(ctx, name)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	at, cursor, err := unwrapCursor(data)
	if err != nil {
		return nil, nil // from the start: the record knows what came
	}
	r.mu.Lock()
	r.before = at
	r.mu.Unlock()
	r.found(at.read, at.bytes)
	return cursor, nil
}

// Save implements ingest.Cursors.
func (r *resumption) Save(ctx context.Context, name string, c producers.Cursor) error {
	r.mu.Lock()
	at := amount{r.before.read + r.now.read, r.before.bytes + r.now.bytes}
	r.mu.Unlock()
	return r.Cursors.Save(ctx, name, wrapCursor(at, c))
}

// observe notes how far this reading is.
func (r *resumption) observe(p ingest.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = amount{p.Read, p.Bytes}
}

// resumed is how many records were read before.
func (r *resumption) resumed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.before.read
}

func wrapCursor(at amount, c producers.Cursor) producers.Cursor {
	return append(fmt.Appendf(nil, "%d %d\n", at.read, at.bytes), c...)
}

func unwrapCursor(data producers.Cursor) (at amount, c producers.Cursor, err error) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	read, size, _ := bytes.Cut(head, []byte(" "))
	if at.read, err = strconv.Atoi(string(read)); err == nil {
		at.bytes, err = strconv.ParseInt(string(size), 10, 64)
	}
	return at, rest, err
}
