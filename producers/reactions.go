package producers

import (
	"strconv"

	"github.com/agrichat/agrichat/internal/event"
)

// NumberRepeats numbers reactions of one snapshot that an export calls alike though they are different ones: the second that is
// counted under a name becomes "name#2". Their order may differ in the next export, which does no harm to counts: the latest
// snapshot replaces them all. It would to people, who would then stand under both names, so a name under which anybody is named
// stays one reaction, whose counts are added.
func NumberRepeats(r *event.Reactions) {
	if len(r.Counts) < 2 {
		return
	}
	seen := make(map[string]int, len(r.Counts))
	for i := range r.Counts {
		name := r.Counts[i].Emoji
		seen[name]++
		if n := seen[name]; n > 1 && !hasPerson(r.People, name) {
			r.Counts[i].Emoji = name + "#" + strconv.Itoa(n)
		}
	}
}

func hasPerson(people []event.ReactionPerson, emoji string) bool {
	for i := range people {
		if people[i].Emoji == emoji {
			return true
		}
	}
	return false
}
