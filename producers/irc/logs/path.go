package logs

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// defaultNetwork is the namespace of logs whose path names none.
const defaultNetwork = "irc"

// location is what a log's path says of it; every part may be empty.
type location struct {
	network string
	channel string
	day     civil
	year    int    // of which no day is known; 0: none
	guessed bool   // the day's month and day could be either way round
	folder  string // in which the dates of a path begin that names no channel, or a file whose name any log may have
	// named says that the channel is a folder's name which has no mark of a channel, so that it may be something else.
	channelGuessed bool
	networkGuessed bool     // the network is the folder above, for want of a better
	above          []string // folders above the channel's that are no dates
	anyName        bool     // no channel: the file has a name that any log may have
}

// locationOf reads a path as the loggers make it:
//
//	.../networks/NET/moddata/log/CHANNEL/2019-10-01.log            ZNC, per network
//	.../moddata/log/NET/CHANNEL/2019-10-01.log                     ZNC, per user; with the user before NET where it logs for all
//	.../irclogs/NET/CHANNEL.log, .../irclogs/2019/NET/#CHANNEL.10-01.log, .../2019/NET/#CHANNEL.10.log   irssi
//	irc.NET.CHANNEL.weechatlog, irc.NET.CHANNEL/2019/10/01         WeeChat
//	.../NET/#CHANNEL.log, .../NET/#CHANNEL.20191001.log            HexChat, mIRC, The Lounge
//	.../NET/#CHANNEL/#CHANNEL.2019-10-01.log                       Limnoria
//	.../CHANNEL.log.01Oct2019                                      eggdrop
//	.../NET/#CHANNEL/2019-10-01.log, .../2019/10/01/#CHANNEL.txt, .../CHANNEL/2019/10/01.txt   archives
//
// Folders that are dates are never a channel or a network. Other folders count as a network only where they are in one of
// these, or are called like one: a name taken from wherever the user keeps files would make other ids of the same log when it is
// moved.
func locationOf(name string, order producers.DateOrder) location {
	parts := strings.Split(strings.Trim(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"), "/")
	for i := range parts {
		parts[i] = unescape(parts[i])
		if i == len(parts)-1 || chatline.IsChannel(parts[i]) { // no channel has a blank in its name
			parts[i] = producers.Uncopied(parts[i])
		}
	}
	folders, file := parts[:len(parts)-1], parts[len(parts)-1]
	names, above := datesOf(folders)
	if buffer, ok := strings.CutSuffix(file, ".weechatlog"); ok {
		file = buffer // which may be a date alone, in a folder for the channel
		if p, ok := weechatLocation(buffer, above, order); ok {
			if p.network == "" {
				p.network, p.networkGuessed = networkOf(names, p.channel, false)
				p.above = names
			}
			return p
		}
	}
	base := withoutExtensions(file)
	rest, day, year, guessed := fileDate(base, above, order)
	_, inFile := wholeDay(base)
	p := location{day: day, year: year, guessed: guessed, channel: rest}
	switch {
	case rest == "", isAnyName(rest) && rest != base:
		rest, p.channel = "", ""
		names = p.channelOf(names, folders)
	case isAnyName(rest):
		names = p.markedFolder(names, folders)
	}
	net, channel, ok := pluginName(p.channel)
	if !ok {
		net, channel, ok = underscored(p.channel)
	}
	if ok {
		p.network, p.channel, p.channelGuessed = net, channel, false
		return p
	}
	p.network, p.networkGuessed = networkOf(names, p.channel, rest == "" && inFile)
	p.above = names
	return p
}

// channelOf takes the channel from the innermost folder that is no date, and returns the folders above it. A folder where
// people keep logs of any channel names none.
func (p *location) channelOf(names []string, folders []string) []string {
	n := len(names) - 1
	if n < 0 || isLogFolder(names[n]) {
		p.folder = strings.Join(folders[:dateBegins(folders)], "/")
		return names
	}
	p.channel, p.channelGuessed = names[n], !chatline.IsChannel(names[n])
	return names[:n]
}

// markedFolder takes the channel of a file whose name any log may have from the folder that it is in, if that is called as only channels are.
func (p *location) markedFolder(names []string, folders []string) []string {
	p.channel = ""
	if n := len(names) - 1; n >= 0 && chatline.IsChannel(names[n]) {
		p.channel = names[n]
		return names[:n]
	}
	p.folder, p.anyName = strings.Join(folders, "/"), true
	return names
}

// isAnyName reports whether a file's name says no more than that it is a log: "log", "Chat Log (2)", "irc_log-3".
func isAnyName(name string) bool {
	if chatline.IsChannel(name) {
		return false
	}
	word := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ._-()0123456789", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
	switch word {
	case "log", "logs", "logfile", "logfiles", "textlog", "mylog", "mylogs", "newlog", "fulllog", "chat", "chats", "chatlog", "chatlogs", "chathistory",
		"channel", "channels", "channellog", "channellogs", "chan", "chanlog", "chanlogs", "irc", "irclog", "irclogs", "ircchat", "ircchatlog",
		"ircchannel", "message", "messages", "history", "backlog", "scrollback", "transcript", "transcripts", "conversation", "conversations",
		"room", "roomlog", "buffer", "session", "sessionlog", "export", "output", "dump", "text", "file", "untitled", "unnamed":
		return true
	}
	return false
}

// networkOf finds the network in the folders above a channel's. near says that it is the one above for want of a better: of a channel
// with a file for each day any, else one that is where clients keep their logs, or is called like a network.
func networkOf(names []string, channel string, daily bool) (network string, near bool) {
	if n := len(names) - 1; n >= 0 && chatline.Fold(names[n]) == chatline.Fold(channel) { // a folder for the channel, which the file names too
		names = names[:n]
	}
	n := len(names) - 1
	for i := n; i >= 0; i-- {
		switch f := names[i]; {
		case f == "networks" && i < n:
			return names[i+1], false
		case f == "irclogs" && i < n:
			return names[i+1], false
		case f == "log" && i > 0 && names[i-1] == "moddata" && i < n:
			return names[n], false
		}
	}
	switch {
	case n < 0 || !chatline.IsChannel(channel) || digit(names[n][0]):
		return "", false
	case daily:
		return names[n], true
	case isGeneral(names, n):
		return "", false
	}
	kept := n > 0 && isLogFolder(names[n-1]) || n > 1 && isLogFolder(names[n-2]) // logs/USER/NET
	if kept || n > 0 && strings.EqualFold(names[n-1], "scrollback") || isNetwork(names[n]) {
		return names[n], true
	}
	return "", false
}

// isNetwork reports whether a folder is called like a network of IRC.
func isNetwork(name string) bool {
	switch f := strings.ToLower(name); f {
	case "libera", "liberachat", "libera.chat", "libera-chat", "libera chat", "freenode", "oftc", "efnet", "rizon", "hackint", "snoonet", "espernet",
		"gamesurge", "geekshed", "mozilla", "gimpnet", "tilde", "tildechat", "ergo", "twitch", "bitlbee", "slashnet", "swiftirc":
		return true
	default:
		return strings.HasSuffix(f, "net") || strings.HasPrefix(f, "irc.") || strings.HasSuffix(f, "irc") || strings.HasSuffix(f, ".chat")
	}
}

// isLogFolder reports whether a folder is named for holding logs.
func isLogFolder(name string) bool {
	switch f := strings.ToLower(name); f {
	case "log", "logs", "chatlog", "chatlogs", "irc-log", "irc-logs", "irc_log", "irc_logs", "irc", "moddata", "channellogger",
		"archive", "archives", "tmp", "temp", "downloads", "desktop", "documents", "backup", "backups":
		return true
	default:
		return strings.HasPrefix(f, "irclog")
	}
}

// isGeneral reports whether a folder is named for its owner, for a program, or for what people keep in it.
func isGeneral(names []string, n int) bool {
	if n > 0 && (names[n-1] == "home" || names[n-1] == "Users") {
		return true
	}
	switch f := strings.ToLower(names[n]); f {
	case "home", "users", "root", "mirc", "hexchat", "xchat", "xchat2", "xchatlogs", "weechat", "znc", "irssi", "eggdrop", "energymech",
		"limnoria", "supybot", "thelounge", "quassel", "scrollback", "channels", "export", "exports", "import", "imports", "data",
		"files", "text", "raw", "old", "new", "testdata", "chat", "chats":
		return true
	default:
		return isLogFolder(f) || f[0] == '.' || strings.HasSuffix(f, ":")
	}
}

// weechatLocation reads the name of a file of WeeChat: its buffer's, which may have a date after it.
func weechatLocation(base string, above dateParts, order producers.DateOrder) (location, bool) {
	base, day, year, guessed := fileDate(base, above, order)
	p := location{day: day, year: year, guessed: guessed}
	base = strings.TrimPrefix(base, "irc.")
	if net, channel, ok := strings.Cut(base, "."); ok && !chatline.IsChannel(base) {
		p.network, p.channel = net, channel
	} else {
		p.channel = base
	}
	return p, p.channel != "" && (p.network != "" || !isAnyName(p.channel))
}

// pluginName reads "irc.NET.#CHANNEL", WeeChat's full name of a buffer.
func pluginName(s string) (network, channel string, ok bool) {
	rest, ok := strings.CutPrefix(s, "irc.")
	if !ok {
		return "", "", false
	}
	network, channel, ok = strings.Cut(rest, ".")
	return network, channel, ok && network != "" && chatline.IsChannel(channel)
}

// underscored reads "USER_NET_#CHANNEL" and "NET_#CHANNEL", as older versions of ZNC name files.
func underscored(s string) (network, channel string, ok bool) {
	at := strings.Index(s, "_#")
	if at <= 0 || chatline.IsChannel(s) {
		return "", "", false
	}
	network = s[strings.LastIndexByte(s[:at], '_')+1 : at]
	return network, s[at+1:], network != ""
}

// errNoChannel says that only the user knows which channel the logs of a folder are of: it is the same for all of them.
func errNoChannel(file string, p location) error {
	folder := p.folder
	switch {
	case folder == "":
		folder = "this folder"
	case strings.HasPrefix(file, "/"):
		folder = "/" + folder
	}
	if p.anyName {
		return fmt.Errorf("logs in %s have names that do not say which channel they are of: import those of each channel with --channel", folder)
	}
	return fmt.Errorf("logs in %s have only dates in their paths, and no channel: import them with --channel", folder)
}

func withoutExtensions(file string) string {
	for {
		ext := path.Ext(file)
		switch e := strings.ToLower(ext); {
		case e == ".log" || e == ".txt" || e == ".raw" || e == ".irc" || e == ".gz" || e == ".bz2" || e == ".xz" || e == ".zst":
			file = strings.TrimSuffix(file, ext)
		case e == ".yesterday" || len(e) > 1 && len(e) <= 4 && countBytes(e[1:], len(e), digit) == len(e)-1: // of a rotated log
			rotated := strings.TrimSuffix(file, ext)
			if end := strings.ToLower(path.Ext(rotated)); end != ".log" && end != ".txt" {
				return file
			}
			file = rotated
		default:
			return file
		}
	}
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil && u != "" {
		return u
	}
	return s
}
