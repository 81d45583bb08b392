package filekit

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// Position is a place between two records of a file. A cursor embeds it.
type Position struct {
	Offset int64 `json:"offset"`
	Line   int   `json:"line"` // the next record's, from 1
}

// Start is the position of a file's first byte.
func Start() Position { return Position{Line: 1} }

// Valid reports whether a cursor may hold the position.
func (p Position) Valid() bool { return p.Offset >= 0 && p.Line >= 1 }

var errCursor = errors.New("it points before the start of the file")

// DecodeCursor returns the state that a cursor holds; what it does not name is as in start, which stands for an empty cursor. A cursor
// that cannot be decoded or is not valid is fatal.
func DecodeCursor[S any](f producers.File, c producers.Cursor, start S, valid func(S) bool) (S, error) {
	if len(c) == 0 {
		return start, nil
	}
	st := start
	err := json.Unmarshal(c, &st)
	if err == nil && !valid(st) {
		err = errCursor
	}
	if err != nil {
		return start, fault.AsFatal(fmt.Errorf("reading the cursor of %s: %w", f.Path, err))
	}
	return st, nil
}
