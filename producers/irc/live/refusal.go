package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/agrichat/agrichat/internal/fault"
)

// How long to back off before a retry after a server refused us for a while. Its own words rarely say; these are longer than the
// usual throttles (InspIRCd's connectban and connflood count in minutes), and short against a ban.
const (
	throttleDelay = time.Minute
	banDelay      = 5 * time.Minute
	rejoinDelay   = 30 * time.Second
)

// refusal returns the error that a message of the server means for the connection; nil for most messages.
func refusal(m *ircmsg.Message) error {
	text := lastParam(m)
	switch m.Command {
	case "ERROR":
		return closed(text)
	case "464":
		return fault.AsFatal(fmt.Errorf("server refuses the password: set password or password_file (%s)", text))
	case "463", "465", "466":
		return banned(text)
	case "902", "904", "905", "906", "908":
		return fault.AsFatal(fmt.Errorf("server refuses the SASL account: check sasl.user and its password (%s)", text))
	}
	return nil
}

// closed reads the words with which servers close a link: the protocol has no numbers for them.
func closed(text string) error {
	low := strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("throttl", "too fast", "too many", "limit", "try again", "reconnect"):
		return fault.AsTransient(fmt.Errorf("server turns us away for now: %s", text), throttleDelay)
	case has("password"):
		return fault.AsFatal(fmt.Errorf("server refuses the password: set password or password_file (%s)", text))
	case has("access denied by configuration", "not authorized", "unauthorized"):
		return fault.AsFatal(fmt.Errorf(
			"server lets nobody in like this: set password or password_file, or ask its operator to allow this address (%s)", text))
	case has("banned", "k-line", "g-line", "z-line", "d-line", "kline", "gline", "zline", "dline"):
		return banned(text)
	}
	return fmt.Errorf("server closed the link: %s", text)
}

// banned distinguishes a ban that ends from one that does not.
func banned(text string) error {
	low := strings.ToLower(text)
	for _, w := range [...]string{"temporar", "minute", "hour", "expire", "second"} {
		if strings.Contains(low, w) {
			return fault.AsTransient(fmt.Errorf("server has banned us for a time: %s", text), banDelay)
		}
	}
	return fault.AsFatal(fmt.Errorf("server has banned us: ask its operator (%s)", text))
}

// joinRefusal returns the error of a channel that does not let us in. It stops the whole source: a channel that is silently
// missing from the archive is worse than a source that is red and names it.
func joinRefusal(m *ircmsg.Message, name string) error {
	say := func(what string) error {
		return fault.AsFatal(fmt.Errorf("joining %s: %s, or remove it from channels (%s)", name, what, lastParam(m)))
	}
	switch m.Command {
	case "475":
		return say(`the key is wrong: write "#name key"`)
	case "474":
		return say("we are banned: ask its operators")
	case "473":
		return say("it is for the invited: ask its operators")
	case "477":
		return say("it is for registered nicks: configure sasl")
	case "489", "490":
		return say("it is for TLS connections: set tls")
	case "403", "405", "476", "479", "448":
		return say("the server does not allow it: check its name, and how many channels one may be in")
	case "471", "437", "480":
		return fault.AsTransient(fmt.Errorf("joining %s: %s", name, lastParam(m)), throttleDelay)
	}
	return nil
}
