package projection

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// decoded decodes events of one channel as deliveries, with the sequences 1, 2 and so on.
func decoded(t *testing.T, events ...event.Event) []PendingEvent {
	t.Helper()
	batch := make([]consumers.Delivery, len(events))
	for i := range events {
		e := events[i]
		e.Source, e.Namespace, e.Channel = "test", "n", "c"
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		data, err := event.Encode(&e)
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = consumers.Delivery{Sequence: uint64(i + 1), EventIDs: e.ID.String(), Data: data}
	}
	out, failed, err := Decode(batch)
	if err != nil || len(failed) > 0 {
		t.Fatalf("decoding: %v, %v", err, failed)
	}
	return out
}

func at(seconds int64) event.Instant {
	return event.NewInstant(time.Unix(seconds, 0).UTC(), event.PrecisionSecond)
}

func text(native event.NativeID, revision event.Revision, text, author string, seconds int64) event.Event {
	e := event.Event{Kind: event.KindMessage, NativeID: native, Revision: revision, Sent: at(seconds),
		Body: &event.Message{Type: event.TypeMessage, Text: text}}
	if author != "" {
		e.Author = event.Person{ID: event.AuthorID(author), Name: "name of " + author}
	}
	if revision != event.Unedited {
		e.Body.(*event.Message).Edited = at(seconds + 100)
	}
	return e
}

func TestFoldMessage(t *testing.T) {
	t.Parallel()
	first := text("1", event.Unedited, "first", "ann", 10)
	edit := text("1", event.RevisionSeq(1), "edited", "", 10)
	later := text("1", event.RevisionSeq(2), "later", "bob", 10)
	deletion := event.Event{Kind: event.KindDeletion, NativeID: "1", Revision: event.RevisionDeleted(event.Unedited), Sent: at(50), Body: &event.Deletion{}}
	unparsed := event.Event{Kind: event.KindUnparsed, NativeID: "1", Revision: event.Unedited, Sent: at(10), Raw: []byte("raw \xff"), Body: &event.Unparsed{Reason: "why"}}
	for name, c := range map[string]struct {
		events []event.Event
		want   string
	}{
		"one version":                          {[]event.Event{first}, "message first by ann"},
		"an edit keeps the author":             {[]event.Event{first, edit}, "message edited by ann"},
		"the latest edit wins":                 {[]event.Event{first, edit, later}, "message later by bob"},
		"a deletion keeps the text":            {[]event.Event{first, deletion}, "message first by ann, deleted at 50"},
		"a deletion alone makes a placeholder": {[]event.Event{deletion}, "placeholder, deleted at 50"},
		"an unparsed one":                      {[]event.Event{unparsed}, "unparsed raw \uFFFD by "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := decoded(t, c.events...)
			for range len(events) { // in every rotation, forwards and backwards
				events = append(events[1:], events[0])
				for range 2 {
					slices.Reverse(events)
					g := &Group{ChannelRef: RefOf(&events[0]), NativeID: "1"}
					for _, it := range events {
						g.Add(it)
						g.Add(it) // a duplicate
					}
					r, err := FoldMessage(g, events[0].ThingID)
					if err != nil {
						t.Fatal(err)
					}
					if got := describe(r); got != c.want {
						t.Errorf("%s, want %s", got, c.want)
					}
					if r.Position != event.At(1, 0) {
						t.Errorf("the position is %s, not the lowest", r.Position)
					}
				}
			}
		})
	}
}

func describe(r *MessageRow) string {
	out := "placeholder"
	if r.Kind != nil {
		out = fmt.Sprintf("%s %s by %s", *r.Kind, *r.Text, r.Author)
	}
	if r.Deleted {
		out += fmt.Sprintf(", deleted at %d", r.DeletedAt.At.Unix())
	}
	return out
}

// TestFoldMessage_base holds that a row and the current version say as much as all versions.
func TestFoldMessage_base(t *testing.T) {
	t.Parallel()
	events := decoded(t, text("1", event.Unedited, "first", "ann", 10), text("1", event.RevisionSeq(1), "edited", "ann", 10),
		text("1", event.RevisionSeq(2), "later", "ann", 10))
	whole := &Group{ChannelRef: RefOf(&events[0]), NativeID: "1", Events: events}
	want, err := FoldMessage(whole, events[0].ThingID)
	if err != nil {
		t.Fatal(err)
	}
	before, err := FoldMessage(&Group{ChannelRef: RefOf(&events[0]), NativeID: "1", Events: events[:2]}, events[0].ThingID)
	if err != nil {
		t.Fatal(err)
	}
	base := &StoredMessage{Thing: before.Thing, Versioned: true, Revision: event.Revision(before.Revision), Sent: before.Sent, AuthorKey: before.AuthorKey,
		Author: before.Author, AuthorName: before.AuthorName, Accounts: before.Accounts, Incarnation: before.Incarnation, Position: before.Position}
	if base.CurrentVersion() != events[1].ID {
		t.Errorf("the current version is %s, want %s", base.CurrentVersion(), events[1].ID)
	}
	got, err := FoldMessage(&Group{ChannelRef: RefOf(&events[0]), NativeID: "1", Events: events[1:], Base: base}, events[0].ThingID)
	if err != nil {
		t.Fatal(err)
	}
	if describe(got) != describe(want) || got.Position != want.Position || got.Sent != want.Sent || *got.AuthorKey != *want.AuthorKey {
		t.Errorf("%s at %s, want %s at %s", describe(got), got.Position, describe(want), want.Position)
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	copyOf := func(account event.Account) event.Event {
		e := text("1", event.Unedited, "text", "ann", 10)
		e.Account = account
		return e
	}
	for name, c := range map[string]struct {
		accounts      []event.Account
		first, others []string
	}{
		"one":                      {[]event.Account{"a"}, []string{"a"}, nil},
		"two accounts":             {[]event.Account{"b", "a"}, []string{"b"}, []string{"a"}},
		"a redelivery":             {[]event.Account{"a", "a"}, []string{"a"}, nil},
		"without an account":       {[]event.Account{"", "a"}, nil, []string{"a"}},
		"each account counts once": {[]event.Account{"a", "c", "b", "c"}, []string{"a"}, []string{"b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []event.Event
			for _, a := range c.accounts {
				events = append(events, copyOf(a))
			}
			list := decoded(t, events...)
			slices.Reverse(list)
			got := Unique(list)
			if len(got) != 1 {
				t.Fatalf("%d events", len(got))
			}
			if got[0].Position != event.At(1, 0) || !slices.Equal(got[0].Accounts, c.first) || !slices.Equal(got[0].OtherAccounts, c.others) {
				t.Errorf("at %s by %v and %v, want by %v and %v", got[0].Position, got[0].Accounts, got[0].OtherAccounts, c.first, c.others)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	short, long := text("1", event.Unedited, "text", "", 10), text("1", event.Unedited, "text", "ann", 10)
	for name, c := range map[string]struct {
		stored, next     event.Event
		storedIn, nextIn int32
		swap             bool // the next one has the lower position
		more             bool
		position         event.Position
	}{
		"a duplicate":          {short, short, 1, 1, false, false, event.At(1, 0)},
		"it names the author":  {short, long, 1, 1, false, true, event.At(1, 0)},
		"it says less":         {long, short, 1, 1, false, false, event.At(1, 0)},
		"a lower position":     {short, short, 1, 1, true, true, event.At(1, 0)},
		"a newer incarnation":  {short, short, 1, 2, false, true, event.At(2, 0)},
		"an older incarnation": {short, short, 2, 1, true, false, event.At(2, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := decoded(t, c.stored, c.next)
			stored, next := list[0], list[1]
			if c.swap {
				stored.Position, next.Position = next.Position, stored.Position
			}
			stored.Incarnation, next.Incarnation = c.storedIn, c.nextIn
			both, more := Merge(stored, next)
			if more != c.more || both.Position != c.position {
				t.Errorf("more: %v at %s, want %v at %s", more, both.Position, c.more, c.position)
			}
		})
	}
}

func TestObserveMemberships(t *testing.T) {
	t.Parallel()
	service := func(action string, members ...event.Person) event.Event {
		return event.Event{Kind: event.KindMessage, NativeID: "1", Revision: event.Unedited, Sent: at(10), Author: event.Person{ID: "ann"},
			Body: &event.Message{Type: event.TypeService, Service: &event.Service{Action: action, Members: members}}}
	}
	bob, nameless := event.Person{ID: "bob"}, event.Person{Name: "nobody knows"}
	for name, c := range map[string]struct {
		event event.Event
		want  []string
	}{
		"a message":             {text("1", event.Unedited, "text", "ann", 10), nil},
		"the author joins":      {service(event.ActionJoin), []string{"ann joined"}},
		"the author invites":    {service(event.ActionInvite, bob), []string{"bob joined"}},
		"named twice":           {service(event.ActionKick, bob, bob), []string{"bob left"}},
		"without an id":         {service(event.ActionBan, nameless, bob), []string{"bob banned"}},
		"an invitation of none": {service(event.ActionInvite), nil},
		"another action":        {service(event.ActionTopic, bob), nil},
		"an event of its own": {event.Event{Kind: event.KindMembership, NativeID: "ann", Revision: event.RevisionSeq(1), Sent: at(10), Author: event.Person{ID: "ann"},
			Body: &event.Membership{State: event.MemberLeft}}, []string{"ann left"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := &decoded(t, c.event)[0]
			var got []string
			for _, o := range ObserveMemberships(RefOf(it), it) {
				got = append(got, o.ID+" "+o.State)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestCollectIdentities(t *testing.T) {
	t.Parallel()
	named := func(name string, seconds int64) event.Event {
		e := text(event.NativeID(fmt.Sprint(name, seconds)), event.Unedited, "text", "ann", seconds)
		e.Author.Name = name
		return e
	}
	for name, c := range map[string]struct {
		events []event.Event
		want   string
	}{
		"the latest name":            {[]event.Event{named("old", 10), named("new", 20)}, "new"},
		"of one instant the greater": {[]event.Event{named("a", 10), named("b", 10)}, "b"},
		"no name takes none away":    {[]event.Event{named("old", 10), named("", 20)}, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := decoded(t, c.events...)
			for range 2 {
				slices.Reverse(list)
				got := CollectIdentities(list, nil)
				if len(got) != 1 || got[0].Name != c.want {
					t.Errorf("%+v, want the name %q", got, c.want)
				}
			}
		})
	}
}
