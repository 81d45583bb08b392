package normalise

import (
	"bytes"
	"slices"

	"github.com/agrichat/agrichat/internal/event"
)

func sortedKeys(keys [][16]byte) [][16]byte {
	slices.SortFunc(keys, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}

func sortedMapKeys[V any](m map[event.ThingID]V) [][16]byte {
	keys := make([][16]byte, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return sortedKeys(keys)
}

// ids picks one id of every element, leaving out zero ones and doubles that follow each other.
func ids[T any](of []T, id func(*T) [16]byte) [][16]byte {
	out := make([][16]byte, 0, len(of))
	for i := range of {
		k := id(&of[i])
		if k == ([16]byte{}) || len(out) > 0 && out[len(out)-1] == k {
			continue
		}
		out = append(out, k)
	}
	return out
}
