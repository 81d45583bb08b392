package telegram

import (
	"bytes"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func at(s string) string {
	return `{"id":1,"type":"message","date":"` + s + `","from":"A","from_id":4321,"text":"x"}`
}

func TestJSON_TimesWithoutZone(t *testing.T) {
	for _, c := range []struct {
		date, zone, want, named string
		assumed                 bool
	}{
		{date: "2020-01-02T03:04:05", want: "2020-01-02T03:04:05Z", named: "UTC", assumed: true},
		{date: "2020-01-02T03:04:05", zone: "Europe/Moscow", want: "2020-01-02T00:04:05Z", named: "Europe/Moscow", assumed: true},
		{date: "2020-07-02T03:04:05", zone: "Europe/Berlin", want: "2020-07-02T01:04:05Z", named: "Europe/Berlin", assumed: true},
		{date: "2020-03-29T02:30:00", zone: "Europe/Berlin", want: "2020-03-29T01:30:00Z", named: "Europe/Berlin", assumed: true},
		{date: "2020-01-02T03:04:05Z", zone: "Europe/Berlin", want: "2020-01-02T03:04:05Z", named: "+00:00"},
		{date: "2020-01-02T03:04:05+02:00", want: "2020-01-02T01:04:05Z", named: "+02:00"},
	} {
		o := mine()
		if c.zone != "" {
			o.Zone = zone(t, c.zone)
		}
		byID, _ := readAll(t, chatOf("private_supergroup", at(c.date)), o)
		got := byID["1"].Sent
		if got.At.Format(time.RFC3339) != c.want || got.Zone != c.named || got.Assumed != c.assumed {
			t.Errorf("%s in %q is %+v, want %s in %s", c.date, c.zone, got, c.want, c.named)
		}
	}
}

func TestJSON_UnreadableTime(t *testing.T) {
	byID, _ := readAll(t, chatOf("private_supergroup", at("yesterday")), mine())
	if e := byID["1"]; !e.Sent.IsZero() || message(t, e).Details["date"] != "yesterday" {
		t.Errorf("sent %+v, details %v", e.Sent, message(t, e).Details)
	}
}

// The clock of Berlin showed 02:30 twice on that day: the first pass was at 00:30 UTC, the second at 01:30.
func TestJSON_AmbiguousHour(t *testing.T) {
	record := func(id, clock string) string {
		return `{"id":` + id + `,"type":"message","date":"2020-10-25T` + clock + `","from":"A","text":"x"}`
	}
	o := mine()
	o.Zone = zone(t, "Europe/Berlin")
	data := chatOf("private_supergroup", record("1", "02:30:00"), record("2", "02:50:00"), record("3", "02:10:00"), record("4", "03:00:00"))
	byID, _ := readAll(t, data, o)
	for id, want := range map[event.NativeID]string{"1": "00:30", "2": "00:50", "3": "01:10", "4": "02:00"} {
		if got := byID[id].Sent.At.Format("15:04"); got != want {
			t.Errorf("message %s was sent at %s, want %s", id, got, want)
		}
	}
	if got := message(t, byID["3"]).Details["sent_or"]; got != "2020-10-25T00:10:00Z" {
		t.Errorf("the other reading of message 3 is %q", got)
	}
	if _, noted := message(t, byID["4"]).Details["sent_or"]; noted {
		t.Error("a time that is certain has another reading")
	}
}

func TestJSON_BareAuthorIDs(t *testing.T) {
	for id, want := range map[string]event.AuthorID{
		"4321":           "user4321",
		`"4321"`:         "user4321",
		"9700000000":     "channel1110065408",
		"-1001234567890": "channel1234567890",
		"-4321":          "chat4321",
		`"channel9"`:     "channel9",
		"6100000000":     "user6100000000",
		"null":           "",
	} {
		m := `{"id":1,"type":"message","date":"2020-01-01T00:00:00","from":"A","from_id":` + id + `,"text":"x"}`
		byID, _ := readAll(t, chatOf("private_supergroup", m), mine())
		if got := byID["1"].Author.ID; got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
}

func TestJSON_EpochEdit(t *testing.T) {
	m := `{"id":1,"type":"message","date":"2019-01-01T00:00:00","edited":"1970-01-01T03:00:00","text":"x"}`
	byID, _ := readAll(t, chatOf("private_supergroup", m), mine())
	if e := byID["1"]; e.Revision != event.Unedited || !message(t, e).Edited.IsZero() {
		t.Errorf("revision %s", e.Revision)
	}
}

// Two exports of a chat agree on every id, whatever zone is named for them.
func TestJSON_ZoneSameIDs(t *testing.T) {
	data := chatOf("private_group", at("2020-10-25T02:30:00"))
	o := mine()
	first, _ := readAll(t, data, o)
	o.Zone = zone(t, "Asia/Vladivostok")
	second, _ := readAll(t, data, o)
	if first["1"].ID != second["1"].ID {
		t.Error("another zone makes another id")
	}
}

func TestJSON_OtherWriters(t *testing.T) {
	t.Run("the chat is named after its messages", func(t *testing.T) {
		_, all := readAll(t, []byte(`{"messages":[{"id":1,"date":"2020-01-01T00:00:00Z","from":"A","text":"x"}],`+
			`"extra":{"id":3},"type":"public_supergroup","id":1234567890,"name":"Late"}`), producers.Options{})
		if all[0].Channel != "channel1234567890" || all[0].Body.(*event.ChannelInfo).Name != "Late" {
			t.Errorf("channel %s, %+v", all[0].Channel, all[0].Body)
		}
	})
	t.Run("nothing has an id", func(t *testing.T) {
		m := `{"type":"message","date_unixtime":"1544006350","from":"A","text":"same"}`
		data := []byte(`{"chats":{"list":[{"name":"N","messages":[` + m + "," + m + `]}]}}`)
		byID, all := readAll(t, data, mine())
		if len(byID) != 2 || all[0].Channel != "name:N" {
			t.Errorf("%d messages in %s", len(byID), all[0].Channel)
		}
	})
	t.Run("a byte order mark, and line ends of Windows", func(t *testing.T) {
		data := append([]byte("\ufeff"), bytes.ReplaceAll(chatOf("private_group", at("2020-01-01T00:00:00")), []byte("\n"), []byte("\r\n"))...)
		if byID, _ := readAll(t, data, mine()); len(byID) != 1 {
			t.Errorf("%d messages", len(byID))
		}
	})
}

func TestJSON_Albums(t *testing.T) {
	photo := func(id string) string {
		return `{"id":` + id + `,"type":"message","date":"2020-01-01T00:00:00","from":"A","photo":"(File not included.)","text":""}`
	}
	byID, _ := readAll(t, chatOf("private_supergroup", photo("1"), photo("2"), photo("3")), mine())
	if len(byID) != 3 {
		t.Errorf("%d messages, want 3", len(byID))
	}
}
