package irc

import (
	"net/url"
	"path"
	"strings"
)

// defaultNetwork is the namespace of logs whose path names none.
const defaultNetwork = "irc"

// place is what a log's path says of it; parts may be empty, the channel is not.
type place struct {
	network string
	channel string
	day     civil
}

// placeOf reads a path as the loggers make it:
//
//	.../networks/NET/moddata/log/CHANNEL/2019-10-01.log            ZNC, per network
//	.../moddata/log/NET/CHANNEL/2019-10-01.log                     ZNC, per user
//	.../irclogs/NET/CHANNEL.log                                    irssi
//	irc.NET.CHANNEL.weechatlog                                     WeeChat
//	.../NET/#CHANNEL/2019-10-01.log, .../2019/10/01/#CHANNEL.txt   archives
//
// Folders above count as a network only where they stand in one of these: a name taken from wherever the user keeps files
// would make other ids of the same log when it is moved.
func placeOf(name string) place {
	parts := strings.Split(strings.Trim(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"), "/")
	folders, file := parts[:len(parts)-1], unescape(parts[len(parts)-1])
	if p, ok := weechatPlace(file); ok {
		return p
	}
	p, rest := dated(withoutExtensions(file))
	if !p.day.known() {
		folders, p.day = foldersDate(folders)
	}
	dayFile := rest == ""
	if dayFile && len(folders) > 0 {
		rest, folders = unescape(folders[len(folders)-1]), folders[:len(folders)-1]
	}
	p.channel = rest
	p.network = networkOf(folders, dayFile && isChannel(rest))
	if p.channel == "" {
		p.channel = withoutExtensions(file)
	}
	if p.channel == "" {
		p.channel = "log"
	}
	return p
}

// networkOf finds the network in the folders above a channel's.
func networkOf(folders []string, beside bool) string {
	for i := len(folders) - 1; i >= 0; i-- {
		switch f := folders[i]; {
		case f == "networks" && i+1 < len(folders):
			return folders[i+1]
		case (f == "irclogs" || f == "log" && i > 0 && folders[i-1] == "moddata") && i+1 < len(folders):
			return folders[i+1]
		}
	}
	if n := len(folders) - 1; beside && n >= 0 && !isDigit(folders[n][0]) {
		return folders[n]
	}
	return ""
}

func weechatPlace(file string) (place, bool) {
	base, ok := strings.CutSuffix(file, ".weechatlog")
	if !ok {
		return place{}, false
	}
	base = strings.TrimPrefix(base, "irc.")
	net, channel, ok := strings.Cut(base, ".")
	if !ok {
		return place{channel: base}, base != ""
	}
	return place{network: net, channel: channel}, channel != ""
}

// dated takes the date out of a file's name, and what else is there only to tell parts of a log from each other.
func dated(base string) (place, string) {
	d, before, ok := isoDate(base)
	after := ""
	if ok {
		after = base[len(before)+len("2006-01-02"):]
	} else if d, before, after, ok = compactDate(base); !ok {
		return place{}, base
	}
	name := withoutExtensions(strings.Trim(before, "_-. "))
	if name == "" {
		name = strings.Trim(after, "_-. ")
	}
	if _, part := number(name); part {
		name = ""
	}
	return place{day: d}, name
}

// foldersDate reads a date from the last folders (2019/10/01), and returns those above.
func foldersDate(folders []string) ([]string, civil) {
	n := len(folders)
	if n < 3 {
		return folders, civil{}
	}
	if d, ok := dateAt(strings.Join(folders[n-3:], "-"), '-'); ok {
		return folders[:n-3], d
	}
	return folders, civil{}
}

func withoutExtensions(file string) string {
	for {
		ext := path.Ext(file)
		switch strings.ToLower(ext) {
		case ".log", ".txt", ".raw", ".irc":
			file = strings.TrimSuffix(file, ext)
		default:
			return file
		}
	}
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func isChannel(s string) bool { return s != "" && strings.IndexByte("#&!+", s[0]) >= 0 }
