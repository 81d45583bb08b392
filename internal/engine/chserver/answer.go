package chserver

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"

	_ "embed"
)

//go:embed sql/create_clickhouse_database.sql
var createClickHouseDatabase string

// answer is a response that holds back its beginning, so that an error found early gets a status of its own.
type answer struct {
	w       http.ResponseWriter
	held    bytes.Buffer
	hold    int // how much is held back
	sent    bool
	server  string // its name
	tag     string // marks an exception inside the answer
	native  native
	scratch []byte
	packer  *compress.Writer
}

// held back at first: the engine's first block of 65,409 rows of a few columns, in which most errors show.
const answerHold = 1 << 20

func newAnswer(w http.ResponseWriter, q url.Values, server string) *answer {
	a := &answer{w: w, hold: answerHold, server: server, tag: randomTag()}
	if q.Get("wait_end_of_query") == "1" {
		a.hold = math.MaxInt
	}
	if v, err := strconv.ParseUint(q.Get("client_protocol_version"), 10, 64); err == nil {
		a.native.revision = v
	}
	if q.Get("compress") == "1" {
		method := compress.LZ4
		if strings.EqualFold(q.Get("network_compression_method"), "zstd") {
			method = compress.ZSTD
		}
		a.packer = compress.NewWriter(compress.LevelZero, method)
	}
	return a
}

// randomTag is what no data hold by chance.
func randomTag() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails: the runtime ends the process instead
	return hex.EncodeToString(b)
}

// describe sets the headers that depend on the request.
func (a *answer) describe(req *request) {
	if !strings.EqualFold(req.format, "Native") {
		a.native.revision = 0
	}
	h := a.w.Header()
	h.Set("Content-Type", contentType(req.format))
	h.Set("X-ClickHouse-Format", req.format)
	h.Set("X-ClickHouse-Timezone", "UTC")
	h.Set("X-ClickHouse-Server-Display-Name", a.server)
	h.Set("X-ClickHouse-Exception-Tag", a.tag)
	if req.queryID != "" {
		h.Set("X-ClickHouse-Query-Id", req.queryID)
	}
}

func contentType(format string) string {
	switch f := strings.ToLower(format); {
	case strings.HasPrefix(f, "jsoneachrow"), strings.HasSuffix(f, "eachrow"):
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "tabseparated"), strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(f, "pretty"), f == "vertical", f == "values":
		return "text/plain; charset=UTF-8"
	}
	return "application/octet-stream"
}

func (a *answer) summary(n counts) {
	a.w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(`{"read_rows":"%d","written_rows":"%d"}`, n.read, n.written))
}

// write takes a piece of the engine's answer, which it does not keep.
func (a *answer) write(piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	var err error
	if a.scratch, err = a.native.rewrite(piece, a.scratch[:0]); err != nil {
		return err
	}
	return a.put(a.scratch)
}

// put packs and sends. The packing is per piece of at most a megabyte, as the server does it.
func (a *answer) put(b []byte) error {
	if a.packer == nil {
		return a.emit(b)
	}
	const frame = 1 << 20
	for len(b) > 0 {
		n := min(len(b), frame)
		if err := a.packer.Compress(b[:n]); err != nil {
			return fmt.Errorf("compressing the answer: %w", err)
		}
		if err := a.emit(a.packer.Data); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (a *answer) emit(b []byte) error {
	if !a.sent && a.held.Len()+len(b) <= a.hold {
		a.held.Write(b)
		return nil
	}
	if !a.sent {
		a.sent = true
		if _, err := a.w.Write(a.held.Bytes()); err != nil {
			return fmt.Errorf("answering: %w", err)
		}
		a.held = bytes.Buffer{}
	}
	if _, err := a.w.Write(b); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	return nil
}

// finish sends what is held. Whoever has gone away meanwhile does not want it.
func (a *answer) finish() {
	if !a.sent {
		_, _ = a.w.Write(a.held.Bytes())
	}
}

// fail says the error: by status where that is still possible, else inside the answer, marked as ClickHouse does it.
func (a *answer) fail(err error) {
	var e *exception
	if !errors.As(err, &e) {
		e = errEngine(err.Error())
	}
	if !a.sent {
		h := a.w.Header()
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code))
		a.w.WriteHeader(e.status())
		_, _ = io.WriteString(a.w, e.text+"\n")
		return
	}
	const mark = "__exception__\r\n"
	_ = a.put([]byte("\r\n" + mark + a.tag + "\r\n" + e.text + "\n" + strconv.Itoa(len(e.text)+1) + " " + a.tag + "\r\n" + mark))
}

// decodedBody undoes the two kinds of compression that a body may have: HTTP's and ClickHouse's.
func decodedBody(r *http.Request, q url.Values) (io.Reader, error) {
	body := io.Reader(r.Body)
	var err error
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	default:
		return nil, newException(codeNotImplemented, "The embedded engine reads no bodies encoded as %q. (NOT_IMPLEMENTED)", enc)
	}
	if err != nil {
		return nil, newException(codeBadArguments, "Cannot decompress the body: %v. (BAD_ARGUMENTS)", err)
	}
	if q.Get("decompress") == "1" {
		body = compress.NewReader(body)
	}
	return body, nil
}

// watch cancels the statements of the named connection when ctx ends. The returned function ends the watch and waits for
// it; no cancelling comes after it, for the next statement must not meet it.
func (h *handler) watch(ctx context.Context, name string) func() {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		// The statement may not have begun, or not be at a point where it looks, so it is told until it is done.
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			h.kill(name)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-ended }
}

//go:embed sql/kill_statement.sql
var killStatement string

func (h *handler) kill(name string) {
	s, err := h.lib.open("--path=" + h.cfg.Path)
	if err != nil {
		return // tried again
	}
	defer s.close()
	var p params
	p.add("name", name)
	_, _, _ = s.query(killStatement, "Null", p)
}
