package export

import (
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

func TestChat_ChannelID(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		chat Chat
		want event.Channel
	}{
		"supergroup":                    {Chat{Peer: "1500000001", Type: "private_supergroup"}, "channel1500000001"},
		"channel as bots number it":     {Chat{Peer: "-1001500000001", Type: "public_channel"}, "channel1500000001"},
		"channel of an old exporter":    {Chat{Peer: "10089934593", Type: "private_channel"}, "channel1500000001"},
		"basic group":                   {Chat{Peer: "103", Type: "private_group"}, "chat103"},
		"basic group, negative":         {Chat{Peer: "-103", Type: "private_group"}, "chat103"},
		"basic group of an old version": {Chat{Peer: "4294967399", Type: "private_group"}, "chat103"},
		"private":                       {Chat{Peer: "2002", Type: "personal_chat"}, "user2002"},
		"saved messages":                {Chat{Peer: "1001", Type: "saved_messages"}, "user1001"},
		"a type that is not known":      {Chat{Peer: "7", Type: "secret_chat"}, "peer7"},
		"an id with its type":           {Chat{Peer: "user7", Type: "personal_chat"}, "user7"},
		"only a name":                   {Chat{Name: "Beds"}, "name:Beds"},
		"a name in another charset":     {Chat{Name: "Грядки", NameKey: "\xc3"}, "name:\xc3"},
		"nothing":                       {Chat{}, "unnamed"},
	} {
		if got := tt.chat.ChannelID(); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestPeer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		id    string
		timed bool
		want  event.AuthorID
	}{
		"with its type":               {"user4321", true, "user4321"},
		"bare":                        {"4321", false, "user4321"},
		"a group":                     {"-103", false, "chat103"},
		"a channel as bots number it": {"-1001500000001", true, "channel1500000001"},
		"an old channel":              {"10089934593", false, "channel1500000001"},
		"a user with a high number":   {"10089934593", true, "user10089934593"},
		"no number":                   {"Ann", false, "Ann"},
	} {
		if got := Peer(tt.id, tt.timed); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestClock_Read(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		zone          *time.Location
		printed, unix string
		after         string
		want          string // at, other, zone; empty: no time
	}{
		"absolute":                     {nil, "2024-05-01T14:00:00", "1714557600", "", "2024-05-01T10:00:00Z - +04:00"},
		"absolute, clock and no zone":  {nil, "2024-05-01T14:07:00", "1714557600", "", "2024-05-01T10:00:00Z - "},
		"absolute, nothing printed":    {berlin, "", "1714557600", "", "2024-05-01T10:00:00Z - "},
		"printed, no zone named":       {nil, "2024-05-01T12:00:00", "", "", "2024-05-01T12:00:00Z - UTC?"},
		"printed, zone named":          {berlin, "2024-05-01T12:00:00", "", "", "2024-05-01T10:00:00Z - Europe/Berlin?"},
		"hour that comes twice, first": {berlin, "2020-10-25T02:30:00", "", "", "2020-10-25T00:30:00Z 2020-10-25T01:30:00Z Europe/Berlin?"},
		"hour that comes twice, after its first": {berlin, "2020-10-25T02:30:00", "", "2020-10-25T00:45:00Z",
			"2020-10-25T01:30:00Z 2020-10-25T00:30:00Z Europe/Berlin?"},
		"another writer's zone": {berlin, "2024-05-01T12:00:00+02:00", "", "", "2024-05-01T10:00:00Z - +02:00"},
		"a day only":            {berlin, "2024-05-01", "", "", ""},
		"no such day":           {berlin, "2024-02-30T12:00:00", "", "", ""},
		"a long word":           {nil, "the day before yesterday", "", "", ""},
		"zero":                  {nil, "", "0", "", ""},
		"negative":              {nil, "", "-5", "", ""},
		"nothing":               {nil, "", "", "", ""},
	} {
		after, _ := time.Parse(time.RFC3339, tt.after) // zero if none
		m := Clock{Zone: tt.zone}.Read(tt.printed, tt.unix, after)
		got := ""
		if !m.IsZero() {
			other := "-"
			if !m.Other.IsZero() {
				other = m.Other.Format(time.RFC3339)
			}
			got = m.At.Format(time.RFC3339) + " " + other + " " + m.Zone
			if m.Assumed {
				got += "?"
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestMarkedLinks_Touched(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"see https://a.example now":  false,
		"see https://a.example.":     false,
		"(https://a.example)":        false,
		"seehttps://a.example":       true,
		"https://a.examplenow":       true,
		"x_https://a.example":        true,
		"https://a.example\nand so ": false,
	} {
		const link = "https://a.example"
		at := 0
		for at+len(link) <= len(text) && text[at:at+len(link)] != link {
			at++
		}
		var l MarkedLinks
		l.Add(link, link, at)
		if got := l.Touched(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		owner   Owner
		account event.Account
		private event.Namespace
	}{
		"nobody says":         {Owner{}, "", ""},
		"the user says":       {Owner{Named: "user1001"}, "1001", "telegram:1001"},
		"the file says too":   {Owner{Printed: "7", Named: "1001"}, "7", "telegram:7"},
		"a name, no number":   {Owner{Named: "username"}, "username", "telegram:username"},
		"a phone, as it came": {Owner{Named: "+491"}, "+491", "telegram:+491"},
	} {
		if a, n := tt.owner.Account(), tt.owner.Private(); a != tt.account || n != tt.private {
			t.Errorf("%s: %q in %q", name, a, n)
		}
	}
}
