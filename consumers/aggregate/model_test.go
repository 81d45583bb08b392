package aggregate_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// state is a thing as a batch has it.
type state[T any] struct {
	*fact.Batch
	is T
}

func keep[T any](m map[string]state[T], key string, b *fact.Batch, is T) {
	if old, ok := m[key]; !ok || old.Version.Compare(b.Version) < 0 {
		m[key] = state[T]{b, is}
	}
}

// model is what ClickHouse should hold, computed the plain way.
type model struct {
	messages    map[string]state[fact.Message]
	versions    map[string]state[fact.Edition]
	reactions   map[string]state[fact.Reaction]
	memberships map[string]state[fact.Membership]
	channels    map[string]state[fact.Channel]
	identities  map[string]state[fact.Identity]
	sightings   map[string]state[fact.Sighting]
}

func modelOf(t *testing.T, deliveries []consumers.Delivery) *model {
	t.Helper()
	m := &model{
		make(map[string]state[fact.Message]), make(map[string]state[fact.Edition]), make(map[string]state[fact.Reaction]),
		make(map[string]state[fact.Membership]), make(map[string]state[fact.Channel]), make(map[string]state[fact.Identity]),
		make(map[string]state[fact.Sighting]),
	}
	for _, d := range deliveries {
		b, err := fact.Decode(d.Data)
		if err != nil {
			t.Fatal(err)
		}
		m.apply(b)
	}
	return m
}

func (m *model) apply(b *fact.Batch) {
	for _, x := range b.Messages {
		keep(m.messages, x.Thing, b, x)
	}
	for _, x := range b.Versions {
		keep(m.versions, x.Event, b, x)
	}
	for _, x := range b.Reactions {
		keep(m.reactions, x.Thing, b, x)
	}
	for _, x := range b.Memberships {
		keep(m.memberships, x.Thing, b, x)
	}
	for _, x := range b.Channels {
		keep(m.channels, b.ChannelKey, b, x)
	}
	for _, x := range b.Identities {
		keep(m.identities, x.Key, b, x)
	}
	for _, x := range b.Sightings {
		keep(m.sightings, x.ID, b, x)
	}
}

// row writes values the way the tests read them from ClickHouse.
func row(values ...any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case *time.Time:
			out[i] = timeText(v)
		case []string:
			out[i] = "[" + strings.Join(v, "|") + "]"
		default:
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}

func stored(t *time.Time) *time.Time {
	if t == nil || t.Year() < 1900 || t.Year() >= 2262 {
		return nil
	}
	return t
}

func timeText(t *time.Time) string {
	if stored(t) == nil {
		return "NULL"
	}
	return t.Format("2006-01-02 15:04:05.000000")
}

func orZero(key string) string {
	if key == "" {
		return strings.Repeat("0", 32)
	}
	return key
}

func orNull(s string) string {
	if s == "" {
		return "NULL"
	}
	return s
}

// list makes rows of a map's states, by rising key.
func list[T any](m map[string]state[T], make func(state[T]) []string) [][]string {
	out := [][]string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if r := make(m[k]); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// tables returns the rows of every table and view by name.
func (m *model) tables() map[string][][]string {
	out := map[string][][]string{
		"messages": list(m.messages, func(s state[fact.Message]) []string {
			x := s.is
			return row(s.ChannelKey, s.Version.Big(), s.Source, s.Namespace, s.Channel, x.Thing, x.ExternalID, x.Kind, orZero(x.AuthorKey),
				x.Author, x.AuthorName, x.SentAt, x.Precision, x.Assumed, x.Text, x.Revision, x.EditedAt, x.Deleted, x.DeletedAt,
				x.ReplyTo, x.Thread, x.Forwarded, x.Action, x.Media, x.Links, x.Hashtags, x.Mentions, x.Accounts, x.Position,
				len([]rune(x.Text)), plainWords(x.Text))
		}),
		"versions": list(m.versions, func(s state[fact.Edition]) []string {
			x := s.is
			return row(s.ChannelKey, s.Version.Big(), s.Source, s.Namespace, s.Channel, x.Event, x.Thing, x.Kind, x.Revision, x.SentAt, x.Position)
		}),
		"reactions": list(m.reactions, func(s state[fact.Reaction]) []string {
			x := s.is
			return row(s.ChannelKey, s.Version.Big(), s.Source, s.Namespace, s.Channel, x.Thing, x.Message, x.Target, orZero(x.PersonKey),
				x.Person, x.PersonName, x.Emoji, x.Count, x.At, x.Removed)
		}),
		"memberships": list(m.memberships, func(s state[fact.Membership]) []string {
			x := s.is
			return row(s.ChannelKey, s.Version.Big(), s.Source, s.Namespace, s.Channel, x.Thing, x.IdentityKey, x.Identity, x.Name, x.State, x.At)
		}),
		"channels": list(m.channels, func(s state[fact.Channel]) []string {
			return row(s.ChannelKey, s.Version.Big(), s.Source, s.Namespace, s.Channel, s.is.Name, s.is.Type, s.is.Topic)
		}),
		"identities": list(m.identities, func(s state[fact.Identity]) []string {
			x := s.is
			return row(x.Key, s.Version.Big(), s.Source, x.Namespace, x.ID, x.Name, x.Username, x.Bot)
		}),
		"sightings": list(m.sightings, func(s state[fact.Sighting]) []string {
			x := s.is
			return row(s.ChannelKey, s.Version.Big(), s.Source, s.Namespace, s.Channel, x.ID, x.Event, x.Thing, x.Account, x.Removed)
		}),
		"v_seen_by": m.seenBy(),
	}
	maps.Copy(out, m.views())
	maps.Copy(out, m.figures())
	return out
}

// seenBy is who saw which message, by thing and account.
func (m *model) seenBy() [][]string {
	rows := map[string][]string{}
	add := func(thing, account string) {
		if s, found := m.messages[thing]; found && s.is.Kind != "" {
			rows[thing+account] = row(s.Source, s.Namespace, s.Channel, s.is.ExternalID, account)
		}
	}
	for thing, s := range m.messages {
		for _, account := range s.is.Accounts {
			add(thing, account)
		}
	}
	for _, s := range m.sightings {
		if !s.is.Removed {
			add(s.is.Thing, s.is.Account)
		}
	}
	out := [][]string{}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, rows[key])
	}
	return out
}

// plainWords is words, computed in another way.
func plainWords(s string) int {
	n := 0
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.?/:=\t\n\"\\\x00👩👧\u200d", r) }) {
		if strings.Trim(f, "'-") != "" {
			n++
		}
	}
	return n
}

func (m *model) views() map[string][][]string {
	return map[string][][]string{
		"v_messages": list(m.messages, func(s state[fact.Message]) []string {
			x := s.is
			if x.Kind == "" {
				return nil
			}
			return row(s.Source, s.Namespace, s.Channel, m.channels[s.ChannelKey].is.Name, x.ExternalID, x.Author, x.AuthorName, x.SentAt,
				x.Kind, x.Text, x.EditedAt, x.DeletedAt, orNull(x.ReplyTo), x.Revision)
		}),
		"v_versions": list(m.versions, func(s state[fact.Edition]) []string {
			x := s.is
			return row(s.Source, s.Namespace, s.Channel, m.channels[s.ChannelKey].is.Name, x.Kind, x.Revision, x.SentAt, x.Thing)
		}),
		"v_reactions": list(m.reactions, func(s state[fact.Reaction]) []string {
			x := s.is
			return row(s.Source, s.Namespace, s.Channel, m.channels[s.ChannelKey].is.Name, x.Target, x.Person, x.PersonName, x.Emoji,
				x.Count, x.At, x.Removed)
		}),
		"v_memberships": list(m.memberships, func(s state[fact.Membership]) []string {
			x := s.is
			return row(s.Source, s.Namespace, s.Channel, m.channels[s.ChannelKey].is.Name, x.Identity, x.Name, x.State, x.At)
		}),
	}
}

// tally is what the aggregate views add up for one of their rows.
type tally struct {
	messages, deleted, edited, service, unparsed, characters, words, reactions int
	people, chats                                                              map[string]bool
	first, last                                                                *time.Time
	name                                                                       string // of the latest message
	latest                                                                     [2]int64
	source, namespace, author                                                  string
}

func (c *tally) add(s state[fact.Message], reactions int) {
	x := s.is
	at := [2]int64{0, int64(x.Position)}
	if t := stored(x.SentAt); t != nil {
		at[0] = t.UnixMicro()
	}
	if c.author == "" || slices.Compare(at[:], c.latest[:]) > 0 {
		c.name, c.latest = x.AuthorName, at
	}
	if c.namespace == "" || s.Namespace < c.namespace {
		c.namespace = s.Namespace
	}
	c.source, c.author = s.Source, x.Author
	switch {
	case x.Kind == "service":
		c.service++
		return
	case x.Kind == "unparsed":
		c.unparsed++
		return
	case x.Deleted:
		c.deleted++
		return
	}
	c.live(s, reactions)
}

func (c *tally) live(s state[fact.Message], reactions int) {
	x := s.is
	c.messages++
	if stored(x.EditedAt) != nil || x.Revision != "0" {
		c.edited++
	}
	c.characters += len([]rune(x.Text))
	c.words += plainWords(x.Text)
	c.reactions += reactions
	c.chats[s.ChannelKey] = true
	if x.AuthorKey != "" {
		c.people[x.AuthorKey] = true
	}
	if t := stored(x.SentAt); t != nil {
		if c.first == nil || t.Before(*c.first) {
			c.first = t
		}
		if c.last == nil || t.After(*c.last) {
			c.last = t
		}
	}
}

func (c *tally) numbers() []any {
	return []any{c.messages, c.deleted, c.edited, c.service, c.unparsed, c.characters, c.words, c.reactions}
}

func (m *model) figures() map[string][][]string {
	hours, days, chats, people := make(map[[4]string]*tally), make(map[[4]string]*tally), make(map[[4]string]*tally), make(map[[4]string]*tally)
	on := make(map[string]int)
	for _, r := range m.reactions {
		if !r.is.Removed {
			on[r.is.Message] += int(r.is.Count)
		}
	}
	count := func(in map[[4]string]*tally, key [4]string, s state[fact.Message]) {
		if in[key] == nil {
			in[key] = &tally{people: make(map[string]bool), chats: make(map[string]bool)}
		}
		in[key].add(s, on[s.is.Thing])
	}
	for _, s := range m.messages {
		if s.is.Kind == "" {
			continue
		}
		hour, day := "NULL", "NULL"
		if t := stored(s.is.SentAt); t != nil {
			day = t.Format(time.DateOnly)
			if s.is.Precision >= uint8(event.PrecisionMinute) {
				hour = t.Format("2006-01-02 15") + ":00:00.000000"
			}
		}
		count(hours, [4]string{s.Source, s.Namespace, s.Channel, hour}, s)
		count(days, [4]string{s.Source, s.Namespace, s.Channel, day}, s)
		count(chats, [4]string{s.Source, s.Namespace, s.Channel}, s)
		if s.is.AuthorKey != "" {
			count(people, [4]string{s.is.AuthorKey}, s)
		}
	}
	return map[string][][]string{
		"v_by_hour": m.grouped(hours, true), "v_by_day": m.grouped(days, true), "v_by_chat": m.grouped(chats, false),
		"v_by_person": m.people(people),
	}
}

func sortedKeys(in map[[4]string]*tally) [][4]string {
	return slices.SortedFunc(maps.Keys(in), func(a, b [4]string) int {
		// ClickHouse puts NULL last, and so does a capital N after digits.
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]), strings.Compare(a[2], b[2]), strings.Compare(a[3], b[3]))
	})
}

func (m *model) grouped(in map[[4]string]*tally, timed bool) [][]string {
	out := [][]string{}
	for _, k := range sortedKeys(in) {
		c := in[k]
		key := event.ChannelKey(event.Source(k[0]), event.Namespace(k[1]), event.Channel(k[2])).String()
		r := []any{k[0], k[1], k[2], m.channels[key].is.Name}
		if timed {
			r = append(r, k[3])
		} else {
			r = append(r, m.channels[key].is.Type)
		}
		r = append(append(r, c.numbers()...), len(c.people), c.first, c.last)
		out = append(out, row(r...))
	}
	return out
}

func (m *model) people(in map[[4]string]*tally) [][]string {
	out := [][]string{}
	for _, k := range sortedKeys(in) {
		c := in[k]
		who, known := m.identities[k[0]]
		namespace, name := c.namespace, c.name
		if known {
			namespace = who.is.Namespace
		}
		if who.is.Name != "" {
			name = who.is.Name
		}
		r := append([]any{k[0], c.source, namespace, c.author, name, who.is.Bot}, c.numbers()...)
		out = append(out, row(append(r, strconv.Itoa(len(c.chats)), c.first, c.last)...))
	}
	return out
}
