package htmlexport

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// serviceText is the sentence of a service message. It is in the body or, in pages of some exporters, in the message itself.
func serviceText(root *markup.Element) string {
	if body := root.Child("body").Words(); body != "" {
		return body
	}
	return root.Words("userpic_wrap", "date")
}

// sentence is one that the exporter prints, with what JSON calls it. Names may be before, between and after its words.
type sentence struct {
	action, native string
	words          string
	people         bool // who is after the words is a member
	title          bool // a title in quotation marks is after them
	end            bool // nothing is after the words
}

// sentences are those whose meaning is certain. What says more comes first.
func sentences() []sentence {
	return []sentence{
		{action: event.ActionPin, native: "pin_message", words: " pinned this message", end: true},
		{action: event.ActionTitle, native: "edit_group_title", words: " changed group title to «", title: true},
		{action: event.ActionOther, native: "edit_group_photo", words: " changed group photo", end: true},
		{action: event.ActionOther, native: "delete_group_photo", words: " removed group photo", end: true},
		{action: event.ActionCreate, native: "create_group", words: " created group «", title: true},
		{action: event.ActionOther, native: "topic_created", words: " created topic «", title: true},
		{action: event.ActionJoin, native: "join_group_by_request", words: " joined group by request", end: true},
		{action: event.ActionJoin, native: "join_group_by_link", words: " joined group by link from "},
		{action: event.ActionOther, native: "migrate_to_supergroup", words: " converted this group to a supergroup", end: true},
		{action: event.ActionOther, native: "migrate_from_group", words: " converted a basic group to this supergroup «", title: true},
		{action: event.ActionInvite, native: "invite_members", words: " invited ", people: true},
		{action: event.ActionKick, native: "remove_members", words: " removed ", people: true},
	}
}

// readSentence says what a sentence reports, as JSON does, where that is certain: only one of them is in it, and once. A name may hold such words too.
func readSentence(text string) *event.Service {
	s := &event.Service{Action: event.ActionOther, Text: text}
	var found sentence
	for _, one := range sentences() {
		switch n := strings.Count(text, one.words); {
		case n == 0:
			continue
		case n > 1 || found.words != "", one.end && !strings.HasSuffix(text, one.words):
			return s
		}
		found = one
	}
	before, after, ok := strings.Cut(text, found.words)
	if found.words == "" || !ok {
		return s
	}
	if strings.HasSuffix(after, " to the voice chat") || strings.HasSuffix(after, " to the video chat") {
		s.Action, s.Native = event.ActionCall, "invite_to_group_call"
		return s
	}
	s.Action, s.Native = found.action, found.native
	switch {
	case found.title:
		title, ok := titleOf(after)
		if !ok {
			return &event.Service{Action: event.ActionOther, Text: text}
		}
		s.Text = title
	case found.native == "remove_members" && before == after:
		s.Action = event.ActionLeave
	case found.people:
		s.Members = onePerson(after)
	}
	return s
}

// titleOf is the title that a text begins with, without the mark that ends it.
func titleOf(after string) (title string, ok bool) {
	if title, _, ok = strings.Cut(after, "» with members "); ok {
		return title, true
	}
	return strings.CutSuffix(after, "»")
}

// onePerson is who a sentence names, if it is surely one person: a list of several cannot be distinguished from a name with a comma.
func onePerson(name string) []event.Person {
	if strings.Contains(name, ", ") || strings.Contains(name, " and ") {
		return nil
	}
	if name == export.DeletedAccount || name == "Deleted" {
		name = ""
	}
	return []event.Person{export.Person("", name, true)}
}
