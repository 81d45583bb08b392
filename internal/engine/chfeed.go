package engine

import (
	"errors"
	"fmt"
	"io"
	"unsafe"
)

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
