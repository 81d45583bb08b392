package event

import (
	"cmp"
	"strings"
)

// CompareVersions orders two versions of one message as the network orders them. Their revisions do, unless one is made of the printed time of
// an edit, which no zone goes with (producers.Unnamed): such a version stands where the edit was in the zone that the time is read in now. Of two at
// one instant the surer stands, then the higher revision, so that the order depends on nothing but the two.
func CompareVersions(a, b *Event) int {
	x, openX := a.order()
	y, openY := b.order()
	return cmp.Or(cmp.Compare(x, y), compareBool(!openX, !openY), cmp.Compare(a.Revision, b.Revision))
}

// order is the revision that the version would have if the time of its edit had been printed with the zone that it is read in.
func (e *Event) order() (r Revision, open bool) {
	m, ok := e.Body.(*Message)
	if !ok || !strings.HasPrefix(string(e.Revision), revisionOfTime) || !(readTime{Instant: m.Edited}).isOpen() {
		return e.Revision, false
	}
	return RevisionAt(m.Edited.At), true
}
