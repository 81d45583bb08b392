package chserver

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb, ClickHouse as a shared library, loaded without cgo. All of its state is the process's: one data
// folder, and any number of connections to it that work side by side.
type library struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) *unsafe.Pointer
	closeConn         func(conn *unsafe.Pointer)

	query       func(conn unsafe.Pointer, sql *byte, n uintptr, format *byte, fn uintptr, p params) unsafe.Pointer
	streamQuery func(conn unsafe.Pointer, sql *byte, n uintptr, format *byte, fn uintptr, p params) unsafe.Pointer
	streamFetch func(conn, result unsafe.Pointer) unsafe.Pointer
	streamStop  func(conn, result unsafe.Pointer)

	insert       func(conn unsafe.Pointer, sql *byte, n uintptr, format *byte, fn uintptr, p params) unsafe.Pointer
	insertAppend func(stream unsafe.Pointer, data *byte, n uintptr) int32
	insertDone   func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel func(stream unsafe.Pointer)
	insertError  func(stream unsafe.Pointer) *byte
	insertFree   func(stream unsafe.Pointer)

	buffer      func(result unsafe.Pointer) *byte
	length      func(result unsafe.Pointer) uintptr
	resultError func(result unsafe.Pointer) *byte
	rowsRead    func(result unsafe.Pointer) uint64
	rowsWritten func(result unsafe.Pointer) uint64
	free        func(result unsafe.Pointer)
}

// params are the values of a statement's {name:Type}, as C takes them: four arrays of one length.
type params struct {
	names, values       []*byte
	nameLens, valueLens []uintptr
}

type paramCall func(conn unsafe.Pointer, sql *byte, n uintptr, format *byte, fn uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

func loadLibrary(path string) (*library, error) {
	// Not global: its own copies of common libraries must not take the place of anyone else's.
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading the ClickHouse engine from %s: %w", path, err)
	}
	var l library
	var query, stream, insert paramCall
	symbols := []struct {
		name string
		f    any
	}{
		{"chdb_set_signal_handlers_enabled", &l.setSignalHandlers},
		{"chdb_connect", &l.connect}, {"chdb_close_conn", &l.closeConn},
		{"chdb_query_with_params_n", &query},
		{"chdb_stream_query_with_params_n", &stream},
		{"chdb_stream_fetch_result", &l.streamFetch}, {"chdb_stream_cancel_query", &l.streamStop},
		{"chdb_stream_insert_with_params_n", &insert},
		{"chdb_stream_append", &l.insertAppend}, {"chdb_stream_done", &l.insertDone},
		{"chdb_stream_cancel_insert", &l.insertCancel}, {"chdb_stream_insert_error", &l.insertError},
		{"chdb_destroy_insert_stream", &l.insertFree},
		{"chdb_result_buffer", &l.buffer}, {"chdb_result_length", &l.length},
		{"chdb_result_error", &l.resultError}, {"chdb_destroy_query_result", &l.free},
		{"chdb_result_rows_read", &l.rowsRead}, {"chdb_result_rows_written", &l.rowsWritten},
	}
	for _, s := range symbols {
		address, err := purego.Dlsym(handle, s.name)
		if err != nil {
			return nil, fmt.Errorf("looking for %s in the ClickHouse engine: %w", s.name, err)
		}
		purego.RegisterFunc(s.f, address)
	}
	l.query, l.streamQuery, l.insert = withParams(query), withParams(stream), withParams(insert)
	l.setSignalHandlers(0) // signals are the Go runtime's
	return &l, nil
}

func withParams(f paramCall) func(unsafe.Pointer, *byte, uintptr, *byte, uintptr, params) unsafe.Pointer {
	return func(conn unsafe.Pointer, sql *byte, n uintptr, format *byte, fn uintptr, p params) unsafe.Pointer {
		r := f(conn, sql, n, format, fn, first(p.names), first(p.nameLens), first(p.values), first(p.valueLens), uintptr(len(p.names)))
		runtime.KeepAlive(p)
		return r
	}
}

func first[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

func (p *params) add(name, value string) {
	p.names, p.nameLens = append(p.names, cBytes(name)), append(p.nameLens, uintptr(len(name)))
	p.values, p.valueLens = append(p.values, cBytes(value)), append(p.valueLens, uintptr(len(value)))
}

// cBytes is s with a zero after it, so that it is never without an address.
func cBytes(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }

func goString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// session is one connection to the engine. It is used by one goroutine at a time; opening one takes 0.3 ms, so each request
// has its own and leaves no setting behind for the next.
type session struct {
	lib  *library
	conn *unsafe.Pointer
}

// open connects; the first connection starts the engine on the path it names, and the last one closed ends it.
func (l *library) open(args ...string) (*session, error) {
	argv := make([]*byte, 0, len(args)+1)
	for _, a := range append([]string{"clickhouse"}, args...) {
		argv = append(argv, cBytes(a))
	}
	conn := l.connect(int32(len(argv)), first(argv))
	runtime.KeepAlive(argv)
	if conn == nil || *conn == nil {
		return nil, errEngine("the ClickHouse engine gave no connection")
	}
	return &session{lib: l, conn: conn}, nil
}

func (s *session) close() { s.lib.closeConn(s.conn) }

// query runs a statement to its end and returns all that it answers.
func (s *session) query(sql, format string, p params) ([]byte, counts, error) {
	r := s.lib.query(*s.conn, cBytes(sql), uintptr(len(sql)), cBytes(format), uintptr(len(format)), p)
	if r == nil {
		return nil, counts{}, errEngine("the ClickHouse engine gave no result")
	}
	defer s.lib.free(r)
	if err := s.failure(r); err != nil {
		return nil, counts{}, err
	}
	return append([]byte(nil), s.bytes(r)...), counts{read: s.lib.rowsRead(r), written: s.lib.rowsWritten(r)}, nil
}

// counts are rows, as the answer's summary tells them.
type counts struct{ read, written uint64 }

// stream runs a SELECT and gives each piece of its answer to yield, which must not keep it.
func (s *session) stream(sql, format string, p params, yield func([]byte) error) error {
	r := s.lib.streamQuery(*s.conn, cBytes(sql), uintptr(len(sql)), cBytes(format), uintptr(len(format)), p)
	if r == nil {
		return errEngine("the ClickHouse engine gave no result")
	}
	defer s.lib.free(r)
	if err := s.failure(r); err != nil {
		return err
	}
	for {
		more, err := s.piece(r, yield)
		if err != nil {
			s.lib.streamStop(*s.conn, r)
			return err
		}
		if !more {
			return nil
		}
	}
}

func (s *session) piece(stream unsafe.Pointer, yield func([]byte) error) (bool, error) {
	r := s.lib.streamFetch(*s.conn, stream)
	if r == nil {
		return false, nil
	}
	defer s.lib.free(r)
	if err := s.failure(r); err != nil {
		return false, err
	}
	b := s.bytes(r)
	if len(b) == 0 {
		return false, nil
	}
	return true, yield(b)
}

// insert runs an INSERT without its FORMAT, whose data next gives piece by piece and ends with io.EOF. If next fails, or the
// data do, nothing of the last block is kept; a block is everything up to a million rows.
func (s *session) insert(sql, format string, p params, next func() ([]byte, error)) (counts, error) {
	st := s.lib.insert(*s.conn, cBytes(sql), uintptr(len(sql)), cBytes(format), uintptr(len(format)), p)
	if st == nil {
		return counts{}, errEngine("the ClickHouse engine gave no insert")
	}
	defer s.lib.insertFree(st)
	if e := s.lib.insertError(st); e != nil {
		return counts{}, parseException(goString(e))
	}
	if err := s.feed(st, next); err != nil {
		s.lib.insertCancel(st)
		return counts{}, err
	}
	r := s.lib.insertDone(st)
	if r == nil {
		return counts{}, errEngine("the ClickHouse engine did not say whether the insert is done")
	}
	defer s.lib.free(r)
	return counts{written: s.lib.rowsWritten(r)}, s.failure(r)
}

// feed gives an insert its data until next ends them.
func (s *session) feed(stream unsafe.Pointer, next func() ([]byte, error)) error {
	for {
		piece, err := next()
		if len(piece) > 0 && s.lib.insertAppend(stream, unsafe.SliceData(piece), uintptr(len(piece))) != 0 {
			if e := s.lib.insertError(stream); e != nil {
				return parseException(goString(e))
			}
			return errEngine("the ClickHouse engine did not take the data")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the data to insert: %w", err)
		}
	}
}

func (s *session) failure(result unsafe.Pointer) error {
	if e := s.lib.resultError(result); e != nil {
		return parseException(goString(e))
	}
	return nil
}

// bytes are the engine's, until the result is freed.
func (s *session) bytes(result unsafe.Pointer) []byte {
	return unsafe.Slice(s.lib.buffer(result), s.lib.length(result))
}
