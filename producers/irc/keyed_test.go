package irc

import (
	"testing"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// keyed makes the content keys that tests expect.
type keyed struct{ tally producers.Tally }

func (k *keyed) next(day, minute string, author event.AuthorID, text string) event.NativeID {
	id, _ := k.tally.Next(day, minute, author, text)
	return id
}

func file(path string, data []byte) producers.File { return producertest.File(path, data) }

func utf8Only(t testing.TB) *charset.Decoder {
	t.Helper()
	cs, err := charset.NewDecoder("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}
