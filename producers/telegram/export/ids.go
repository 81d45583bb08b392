package export

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// The exporter of before 2021 printed its own internal numbers, in which groups and channels was this much higher than
// users. Numbers of channels themselves began at a thousand million.
const (
	oldGroups      = 1 << 32
	oldChannels    = 1 << 33
	firstChannel   = 1_000_000_000
	lastOldChannel = 3_000_000_000
)

// Peer brings an author's id to the form with its type in it, which all but old exports have. timed says that the record
// has an absolute time, which exports with internal numbers never had.
func Peer(id string, timed bool) event.AuthorID {
	if !IsNumber(strings.TrimPrefix(id, "-")) {
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
	return bare, ok && len(bare) >= len("1000000000") && IsNumber(bare)
}

// Person names an identity. Telegram numbers users, groups and channels for all accounts alike.
func Person(id, name string, timed bool) event.Person {
	if id == "" && name == "" {
		return event.Person{}
	}
	return event.Person{Namespace: Source, ID: Peer(id, timed), Name: name}
}

// UserID is the user id without the type that some write before it.
func UserID(s string) event.Account {
	if id, ok := bytes.CutPrefix([]byte(s), []byte("user")); ok && IsNumber(string(id)) {
		return event.Account(id)
	}
	return event.Account(s)
}

// Source is on every event, and is the namespace of everything that Telegram numbers for all accounts alike.
const Source = "telegram"

// DeletedAccount is what the exporter calls everybody whose account is no more.
const DeletedAccount = "Deleted Account"

// Owner is whose export a file is.
type Owner struct {
	Printed event.Account // by the file, which counts more than what the user says: every such file has it alike
	Named   event.Account // by the user
}

// Account is the owner's user id; empty if the owner is not known.
func (o Owner) Account() event.Account {
	if o.Printed != "" {
		return o.Printed
	}
	return UserID(string(o.Named))
}

// Private is the namespace of what is numbered for one account only; empty if the owner is not known.
func (o Owner) Private() event.Namespace {
	if a := o.Account(); a != "" {
		return event.Namespace(Source + ":" + string(a))
	}
	return ""
}

// IsNumber reports whether s is all digits, at least one.
func IsNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Contradicted reports whether the user named another account than the file does.
func (o Owner) Contradicted() bool {
	return o.Printed != "" && o.Named != "" && UserID(string(o.Named)) != o.Printed
}
