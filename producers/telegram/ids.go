package telegram

import (
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// The exporter of before 2021 printed its own internal numbers, in which groups and channels stood this much higher than
// users. Numbers of channels themselves began at a thousand million.
const (
	oldGroups      = 1 << 32
	oldChannels    = 1 << 33
	firstChannel   = 1_000_000_000
	lastOldChannel = 3_000_000_000
)

// peer brings an author's id to the form with its type in it, which all but old exports have. timed says that the record
// has an absolute time, which exports with internal numbers never had.
func peer(id string, timed bool) event.AuthorID {
	if !isNumber(strings.TrimPrefix(id, "-")) {
		return event.AuthorID(id)
	}
	if bare, ok := botChannel(id); ok {
		return event.AuthorID("channel" + bare)
	}
	if bare, ok := strings.CutPrefix(id, "-"); ok {
		return event.AuthorID("chat" + bare)
	}
	if bare, ok := lowered(id, oldChannels); ok && !timed {
		return event.AuthorID("channel" + bare)
	}
	return event.AuthorID("user" + id)
}

// lowered undoes the old exporter's numbering of channels, or of groups.
func lowered(id string, by int64) (bare string, ok bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	n -= by
	switch {
	case err != nil || n <= 0:
		return "", false
	case by == oldChannels && (n < firstChannel || n >= lastOldChannel):
		return "", false
	case by == oldGroups && n >= oldChannels-oldGroups:
		return "", false
	}
	return strconv.FormatInt(n, 10), true
}

// botChannel undoes the manner in which bots and many tools write a channel's id: with -100 before it.
func botChannel(id string) (bare string, ok bool) {
	bare, ok = strings.CutPrefix(id, "-100")
	return bare, ok && len(bare) >= len("1000000000") && isNumber(bare)
}

// person names an identity. Telegram numbers users, groups and channels for all accounts alike.
func person(id, name string, timed bool) event.Person {
	if id == "" && name == "" {
		return event.Person{}
	}
	return event.Person{Namespace: sourceName, ID: peer(id, timed), Name: name}
}
