package corpus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// fileWriter is what a corpus is written on: one file after the other in a folder, or whatever it was given. The first error stays.
type fileWriter struct {
	dir   string
	out   *bufio.Writer
	file  *os.File // nil: somebody else's writer
	bytes int64    // of all files
	err   error
}

func newFileWriter(dir string) *fileWriter {
	s := &fileWriter{dir: dir}
	s.out = bufio.NewWriterSize(s, 1<<20)
	return s
}

// into writes to somebody else's writer.
func (s *fileWriter) into(to io.Writer) {
	s.out = bufio.NewWriterSize(&counter{to: to, fileWriter: s}, 1<<20)
}

type counter struct {
	to         io.Writer
	fileWriter *fileWriter
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.fileWriter.bytes += int64(n)
	return n, err
}

// Write implements io.Writer: it is what the buffer is emptied into.
func (s *fileWriter) Write(p []byte) (int, error) {
	if s.file == nil {
		return 0, os.ErrClosed
	}
	n, err := s.file.Write(p)
	s.bytes += int64(n)
	return n, err
}

// turn ends the file and begins another, in a folder below if its name says so.
func (s *fileWriter) turn(name string) {
	s.keep(s.leave())
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	s.keep(os.MkdirAll(filepath.Dir(path), 0o755))
	if s.err != nil {
		return
	}
	f, err := os.Create(path)
	if err != nil {
		s.keep(fmt.Errorf("beginning a file: %w", err))
		return
	}
	s.file = f
}

func (s *fileWriter) keep(err error) { s.err = errors.Join(s.err, err) }

// leave ends the file, synced.
func (s *fileWriter) leave() error {
	if s.file == nil {
		return nil
	}
	err := s.out.Flush()
	err = errors.Join(err, s.file.Sync(), s.file.Close())
	s.file = nil
	return err
}

// done ends the last file.
func (s *fileWriter) done() error {
	if s.file == nil {
		s.keep(s.out.Flush())
	}
	s.keep(s.leave())
	return s.err
}

// put writes parts; the first error stays in the buffer, or here, until done returns it.
func (s *fileWriter) put(parts ...string) {
	if s.err != nil {
		return
	}
	for _, p := range parts {
		_, _ = s.out.WriteString(p)
	}
}

// write writes a text.
func (s *fileWriter) write(text []byte) {
	if s.err == nil {
		_, _ = s.out.Write(text)
	}
}
