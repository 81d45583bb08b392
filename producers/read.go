package producers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// OpenAt opens a file with its first bytes already passed.
func OpenAt(f File, offset int64) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.Path, err)
	}
	if err := Skip(r, offset); err != nil {
		return nil, errors.Join(fmt.Errorf("going to byte %d of %s, where reading stopped last time: %w", offset, f.Path, err), r.Close())
	}
	return r, nil
}

// Skip passes the first n bytes of r, which nothing has been read of.
func Skip(r io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	if s, ok := r.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// TrimEnd returns a line without its end, which may be that of Windows.
func TrimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
}
