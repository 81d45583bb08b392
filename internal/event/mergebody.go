package event

import (
	"cmp"
	"maps"
)

// mergeBody joins two messages leaf by leaf; of other bodies it takes the fuller. The text of an unversioned copy may be that of a
// later version: it is kept only where the other copy has none. Of the zones of times in it that were assumed the one that was named last wins; r
// is the reading of both.
func mergeBody(a, b *Event, r *Reading) Body {
	ma, _ := a.Body.(*Message)
	mb, _ := b.Body.(*Message)
	r.EditedNamed, r.ForwardNamed = 0, 0
	if ma == nil || mb == nil {
		return fuller(a.Body, b.Body)
	}
	out := mergeMessage(ma, mb)
	if ra, rb := textRank(a), textRank(b); ra != rb {
		out.Text = pick(ra > rb, ma, mb).Text
	}
	var edited, forwarded readTime
	edited, out.Edited = mergeLeaf(a.Reading.edited(ma), b.Reading.edited(mb))
	if forwarded, _ = mergeLeaf(a.Reading.forwarded(ma), b.Reading.forwarded(mb)); ma.Forward != nil && mb.Forward != nil {
		out.Forward.Sent = forwarded.Instant
	}
	r.EditedNamed, r.ForwardNamed = r.labelled(edited), r.labelled(forwarded)
	return &out
}

func mergeLeaf(a, b readTime) (readTime, Instant) {
	best := pick(a.compare(b) >= 0, a, b)
	return best, best.Instant
}

// edited is the time of the edit, and when its zone was named.
func (r *Reading) edited(m *Message) readTime { return r.leaf(m.Edited, r.EditedNamed) }

// forwarded is as edited, of the message that was forwarded.
func (r *Reading) forwarded(m *Message) readTime {
	if m.Forward == nil {
		return readTime{}
	}
	return r.leaf(m.Forward.Sent, r.ForwardNamed)
}

func (r *Reading) leaf(i Instant, named int64) readTime {
	t := readTime{Instant: i}
	switch {
	case !t.isOpen() || named < 0:
	case named > 0:
		t.named = named
	default:
		t.named = r.ZoneNamed
	}
	return t
}

// labelled is how a reading records when the zone of a time in the body was named: zero if when that of the event's own time was, negative
// if it was not named.
func (r *Reading) labelled(t readTime) int64 {
	switch {
	case !t.isOpen() || t.named == r.ZoneNamed:
		return 0
	case t.named == 0:
		return -1
	}
	return t.named
}

// keepLeaves says when the zones of the times in a body that was taken as a whole were named.
func (r *Reading) keepLeaves(from *Event) {
	r.EditedNamed, r.ForwardNamed = 0, 0
	if m, ok := from.Body.(*Message); ok {
		r.EditedNamed, r.ForwardNamed = r.labelled(from.Reading.edited(m)), r.labelled(from.Reading.forwarded(m))
	}
}

// mergeAttachment: a file that one export holds is not missing.
func mergeAttachment(a, b *Attachment) Attachment {
	out := mergeAttachmentFields(a, b)
	if out.SHA256 != "" {
		out.Missing = ""
	}
	return out
}

// mergePoll takes of two polls that differ in their results alone the one that Compare puts last: the length of numbers says nothing
// of them.
func mergePoll(a, b *Poll) Poll {
	c := cmp.Or(compareFullness(a.WithoutResults(), b.WithoutResults()), a.Compare(b), compareFullness(a, b))
	return *pick(c >= 0, a, b)
}

// mergeService: any action says more than "other".
func mergeService(a, b *Service) Service {
	out := mergeServiceFields(a, b)
	switch {
	case a.Action == ActionOther && b.Action != "":
		out.Action = b.Action
	case b.Action == ActionOther && a.Action != "":
		out.Action = a.Action
	}
	return out
}

func mergeTexts(a, b map[string]string) map[string]string {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := maps.Clone(a)
	for k, v := range b {
		out[k] = longer(out[k], v)
	}
	return out
}

// longer returns the longer string; of equally long ones that which sorts first.
func longer[T ~string](a, b T) T {
	return pick(cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(b, a)) >= 0, a, b)
}

// both joins two values of which either may be missing.
func both[T any](a, b *T, merge func(a, b *T) T) *T {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := merge(a, b)
	return &out
}

// each joins two lists of one length element by element; otherwise the longer list is kept.
func each[T any](a, b []T, merge func(a, b *T) T) []T {
	if len(a) != len(b) {
		return pick(len(a) > len(b), a, b)
	}
	if len(a) == 0 {
		return pick(a != nil, a, b)
	}
	out := make([]T, len(a))
	for i := range a {
		out[i] = merge(&a[i], &b[i])
	}
	return out
}

// lists returns the list of more elements, then the fuller one.
func lists(a, b []string) []string {
	return pick(cmp.Or(cmp.Compare(len(a), len(b)), compareFullness(a, b)) >= 0, a, b)
}
