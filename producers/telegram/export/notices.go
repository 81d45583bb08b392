package export

import (
	"errors"
	"fmt"
	"path"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// NoChats is the notice of an account's export without chats.
func NoChats() producers.Notice {
	return producers.Notice{Count: 1, Code: "no-chats",
		Text: "the export of the account holds no chats, so that there is nothing to read; they are chosen in the settings of an export"}
}

// NoMessages is the notice of an export of empty chats.
func NoMessages() producers.Notice {
	return producers.Notice{Count: 1, Code: "no-messages", Text: "the export holds no messages"}
}

// ChatByName is the notice of pages whose chat has only a name.
func ChatByName() producers.Notice {
	return producers.Notice{Count: 1, Code: "chat-by-name", Option: "--channel",
		Text: "pages do not say which chat they are of: it goes by its name, and a JSON export of it would stand beside it"}
}

// ListedByName is the notice of an account's pages whose chats have only names.
func ListedByName() producers.Notice {
	return producers.Notice{Count: 1, Code: "chat-by-name",
		Text: "pages of an account do not say which chats they are of: these go by their names; the result.json of the same export in its folder names them"}
}

// MigratedGroup is the notice of messages from before a group became a supergroup.
func MigratedGroup() producers.Notice {
	return producers.Notice{Count: 1, Code: "migrated-group",
		Text: "a basic group became a supergroup: exports of the supergroup hold its old messages under other ids than exports of the group itself"}
}

// OtherAccount is the notice of an export of another account than the user named.
func OtherAccount(a event.Account) producers.Notice {
	return producers.Notice{Count: 1, Code: "other-account", Option: "--account " + string(a),
		Text: "the export itself says whose it is, which is not the account named: its private chats and basic groups do not join those of other exports"}
}

// WinterOffset is the notice of times whose zone may be an hour off.
func WinterOffset() producers.Notice {
	return producers.Notice{Count: 1, Code: "winter-offset", Option: "--zone",
		Text: "pages print the zone's distance from UTC as it is in winter: times in summer may be an hour late"}
}

// Nameless is the error of an export of private messages that does not say whose it is. All pages of it have the same one.
func Nameless(f producers.File, why error) error {
	return fault.AsFatal(&producers.SharedError{Export: path.Dir(f.Path), Err: why})
}

// ErrPrivate is why a private chat has no ids.
func ErrPrivate(name string) error {
	return fmt.Errorf("the messages of chat %q are numbered for one account only, and the export does not say whose it is: %w", name, ErrNoAccount)
}

// ErrMigrated is why the old messages of a migrated group have no ids.
func ErrMigrated(name string) error {
	return fmt.Errorf("the oldest messages of %q are of the basic group that it once was, which numbers them for each account by itself: %w",
		name, ErrNoAccount)
}

// ErrNoAccount is why ids cannot be made: the account that they are numbered for is not known.
var ErrNoAccount = errors.New("name the account that exported it with --account")
