package logs

import (
	"slices"
	"strings"
	"sync"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// Folders knows of all logs that were looked at whose path names no network. Of one channel's name in several folders each is of a network
// called after its folder: they would become one channel otherwise, whose equal lines fall together.
type Folders struct {
	mu      sync.Mutex            // covers folders
	folders map[string][][]string // by channel
}

// Recognise says how sure it is that a file is a log, and notes its folder.
func (s *Folders) Recognise(f producers.File) producers.Confidence {
	c := recognise(f)
	if c == producers.No {
		return c
	}
	p := locationOf(strings.ToValidUTF8(f.Path, "_"), "")
	if p.channel == "" || p.network != "" {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folders == nil {
		s.folders = map[string][][]string{}
	}
	name := chatline.Fold(p.channel)
	if !slices.ContainsFunc(s.folders[name], func(f []string) bool { return slices.Equal(f, p.above) }) {
		s.folders[name] = append(s.folders[name], p.above)
	}
	return c
}

// network returns as many of the folders above a log as distinguish it from others of its channel's name; empty: there are none.
func (s *Folders) network(p location) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	depth := 0
	for _, other := range s.folders[chatline.Fold(p.channel)] {
		if slices.Equal(other, p.above) {
			continue
		}
		depth = max(depth, 1)
		for depth < len(p.above) && slices.Equal(lastOf(other, depth), lastOf(p.above, depth)) {
			depth++
		}
	}
	return strings.Join(lastOf(p.above, depth), "/")
}

func lastOf(s []string, n int) []string { return s[max(len(s)-n, 0):] }
