package live

import (
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
	"github.com/agrichat/agrichat/producers/irc/irctest"
	"github.com/agrichat/agrichat/producers/irc/logs"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestSession_SameIDsAsLog: a server that numbers nothing, seen live, and its log kept in UTC, give the same ids.
func TestSession_SameIDsAsLog(t *testing.T) {
	t.Parallel()
	s := &session{live: configured(t, fakeConfig("h:1", "")), channels: map[event.Channel]*channel{}}
	r := &channel{id: "#b", name: "#b", members: map[string]string{}}
	s.channels["#b"] = r
	at := time.Date(2019, 10, 1, 10, 0, 1, 0, time.UTC)
	s.emit(r, &received{at: at}, privmsg("Ivan", "\x02да"))
	s.emit(r, &received{at: at}, privmsg("Ivan", "\x01ACTION сеет\x01"))
	s.emit(r, &received{at: at}, chatline.Service(event.ActionLeave, "quit", "Ivan", "", "Ping timeout"))
	log := "[10:00:01] <Ivan> да\n[10:00:02] * Ivan сеет\n[10:00:03] *** Quits: Ivan (i@h) (Ping timeout)\n"
	c := producertest.Case{Path: "#b_20191001.log", Data: []byte(log), Options: producers.Options{Namespace: "test"}}
	events := producertest.Events(producertest.Read(t, producers.Definition{Name: chatline.Source, Archive: (&logs.Folders{}).Archive}, c, nil))
	for i, e := range s.out.Events {
		if e.ID != events[i+1].ID {
			t.Errorf("%s differs from %s", irctest.Show(&e), irctest.Show(&events[i+1]))
		}
	}
}
