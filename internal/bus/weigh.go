package bus

import "github.com/agrichat/agrichat/internal/fact"

// What facts take at least, encoded, beside their texts: the keys that are always there, ids, and punctuation.
const (
	messageLeast = 120
	editionLeast = 150
	otherLeast   = 40
)

// least is a size that a batch certainly has, encoded: what is too large by it is halved without being encoded to find out.
func least(f *fact.Batch) int {
	n := messageLeast*len(f.Messages) + editionLeast*len(f.Versions) +
		otherLeast*(len(f.Reactions)+len(f.Memberships)+len(f.Channels)+len(f.Identities))
	for i := range f.Messages {
		n += len(f.Messages[i].Text) + len(f.Messages[i].AuthorName) + len(f.Messages[i].Author) + len(f.Messages[i].AuthorKey)
	}
	return n
}
