package whatsapp

import (
	"fmt"
	"strings"
	"testing"
)

// TestArchive_SecondForm: headers in another form of date are messages where they can be nothing else, and counted where not.
func TestArchive_SecondForm(t *testing.T) {
	t.Parallel()
	joined := "13/06/24, 10:00 - A: one\n13/06/24, 10:05 - B: two\n[14.06.2024, 09:00:01] A: three\nmore\n[14.06.2024, 09:00:30] C: four\n[2/7/2024, 9:00:30] A: no\n"
	events, notices, _ := read(t, joined+"15/06/24, 10:00 - B: five\n", owner())
	compare(t, events, `
2024-06-13 10:00 <A> one
2024-06-13 10:05 <B> two
2024-06-14 09:00:01 <A> three|more
2024-06-14 09:00:30 <C> four|[2/7/2024, 9:00:30] A: no
2024-06-15 10:00 <B> five`)
	if notices["header-second-form"].Count != 2 || notices["header-other-form"].Count != 1 {
		t.Errorf("notices are %v", notices)
	}
	whole, cursors := pieces(t, joined, nil)
	for _, at := range cursors {
		if rest, _ := pieces(t, joined, at.cursor); fmt.Sprint(ids(rest)) != fmt.Sprint(ids(whole[at.events:])) {
			t.Errorf("going on after %d events gives other ids", at.events)
		}
	}
	for name, c := range map[string]struct {
		text   string
		others int
	}{
		"pasted from before":       {"13/06/24, 10:00 - A: look:\n[12.06.2024, 09:00:01] A: x\n[12.06.2024, 09:00:30] B: y\n14/06/24, 10:00 - B: z\n", 2},
		"after the next":           {"13/06/24, 10:00 - A: look:\n[15.06.2024, 09:00:01] A: x\n[16.06.2024, 09:00:30] B: y\n14/06/24, 10:00 - B: z\n", 2},
		"by nobody who is known":   {"13/06/24, 10:00 - A: plan:\n[13.06.2024, 11:00:01] Lunch: x\n[13.06.2024, 12:00:30] Tea: y\n14/06/24, 10:00 - B: z\n", 2},
		"a single one":             {"13/06/24, 10:00 - A: look:\n[13.06.2024, 10:00:01] A: x\n14/06/24, 10:00 - B: z\n", 1},
		"the same form, no date":   {"13/06/24, 10:00 - A: look:\n6/13/24, 10:00 - B: x\n14/06/24, 10:00 - B: z\n", 1},
		"a service line":           {"13/06/24, 10:00 - A: look:\n[13.06.2024, 10:00:01] Ann left\n14/06/24, 10:00 - B: z\n", 1},
		"a date that is no header": {"13/06/24, 10:00 - A: look:\n[13.06.2024, 10:00:01] that was it\n14/06/24, 10:00 - B: z\n", 0},
	} {
		events, notices, _ := read(t, c.text, owner())
		if len(events) != 2 || notices["header-other-form"].Count != c.others {
			t.Errorf("%s: %d messages, notices %v", name, len(events), notices)
		}
	}
}

// TestArchive_ColonNames: lines of WhatsApp's own that a colon in a name makes look like somebody's.
func TestArchive_ColonNames(t *testing.T) {
	t.Parallel()
	compare(t, messages(t, androidPath, `13/06/24, 10:00 - Max: hi
13/06/24, 10:00 - Work: Nora created group "Farm"
13/06/24, 10:01 - Work: Nora: one
13/06/24, 10:02 - Work: Nora: two
13/06/24, 10:03 - Work: Nora: three
13/06/24, 10:04 - Max added Work: Nora
13/06/24, 10:05 - Work: Nora left
13/06/24, 10:06 - Work: Nora added Max
13/06/24, 10:07 - Max added Home: Olga
13/06/24, 10:08 - Max removed Home: Olga
13/06/24, 10:09 - Max: I added: salt
13/06/24, 10:10 - Max: salt was added
13/06/24, 10:11 - You added Home: Olga
13/06/24, 10:12 - Zoe added this: it is new
`), `
2024-06-13 10:00 <Max> hi
2024-06-13 10:00 <Work: Nora> create/create_group =Farm
2024-06-13 10:01 <Work: Nora> one
2024-06-13 10:02 <Work: Nora> two
2024-06-13 10:03 <Work: Nora> three
2024-06-13 10:04 <Max> invite/add +Work: Nora
2024-06-13 10:05 <Work: Nora> leave/leave
2024-06-13 10:06 <Work: Nora> invite/add +Max
2024-06-13 10:07 <Max> invite/add +Home: Olga
2024-06-13 10:08 <Max> kick/remove +Home: Olga
2024-06-13 10:09 <Max> I added: salt
2024-06-13 10:10 <Max> salt was added
2024-06-13 10:11 <(you)> invite/add +Home: Olga
2024-06-13 10:12 <Zoe added this> it is new`)
	for text, want := range map[string]string{
		"Max hat Work: Nora hinzugefügt":           "<Max> invite/add +Work: Nora",
		"Max добавил(-а) Work: Nora":               "<Max> invite/add +Work: Nora",
		"Max añadió a Work: Nora":                  "<Max> invite/add +Work: Nora",
		"Añadiste a Work: Nora":                    "<(you)> invite/add +Work: Nora",
		"Max adicionou Work: Nora":                 "<Max> invite/add +Work: Nora",
		"Max a ajouté Work: Nora":                  "<Max> invite/add +Work: Nora",
		"Max ha aggiunto Work: Nora":               "<Max> invite/add +Work: Nora",
		"Max heeft Work: Nora toegevoegd":          "<Max> invite/add +Work: Nora",
		"Max, Work: Nora kişisini ekledi":          "<Max> invite/add +Work: Nora",
		"قام Max بإضافة Work: Nora":                "<Max> invite/add +Work: Nora",
		"Max님이 Work: Nora님을 추가했습니다":                "<Max> invite/add +Work: Nora",
		"Your security code with Work: N changed.": "<> other/security_code +Work: N",
	} {
		events := messages(t, androidPath, "13.06.24, 10:00 - Max: hi\n13.06.24, 10:01 - "+text+"\n")
		if got := strings.TrimPrefix(show(&events[1]), "2024-06-13 10:01 "); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	compare(t, messages(t, iPhonePath, "[13.06.24, 10:00:00] Max: \u200eMax added Work: Nora\n"), "2024-06-13 10:00:00 <Max> invite/add +Work: Nora")
}

func TestArchive_GroupNotices(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Farm: Messages you send to this group are now secured with end-to-end encryption. Tap for more info.",
		"Farm: Messages and calls are end-to-end encrypted",
		"Old name: Messages to this group are now secured with end-to-end encryption. Tap for more info.",
		"Ферма: Сообщения в этой группе защищены сквозным шифрованием.",
		"Farm: الرسائل والمكالمات مشفّرة تمامًا بين الطرفين.",
	} {
		if got := texts(messages(t, androidPath, "13.06.24, 10:00 - "+text+"\n")); len(got) != 1 || got[0] != "2024-06-13 10:00 <> notice/encryption" {
			t.Errorf("%q is %q", text, got)
		}
	}
	compare(t, messages(t, "WhatsApp Chat with Ann.txt", "13.06.24, 10:00 - Ann: Messages are end-to-end encrypted they say\n"),
		"2024-06-13 10:00 <Ann> Messages are end-to-end encrypted they say")
}

func TestArchive_Copies(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"WhatsApp Chat with Barn(1).txt": true, "WhatsApp Chat with Barn (1).txt": true, "x/WhatsApp Chat - Barn(2).zip/_chat.txt": true,
		"WhatsApp Chat with Barn.txt": false, "WhatsApp Chat with Barn (2024).txt": false,
	} {
		chat, notes := chatOf(path), 0
		for _, b := range batches(t, path, "13.06.24, 10:00 - A: x\n", owner()) {
			for _, n := range b.Notices {
				if n.Code == "copy-number" {
					notes += n.Count
				}
			}
		}
		if (chat == "Barn") != (want || !strings.Contains(path, "(")) || (notes == 1) != want {
			t.Errorf("%s is of chat %q, with %d notices", path, chat, notes)
		}
	}
	o := owner()
	o.Channel = "Other"
	for _, b := range batches(t, "WhatsApp Chat with Barn(1).txt", "13.06.24, 10:00 - A: x\n", o) {
		if len(b.Notices) > 0 {
			t.Errorf("a channel that was named is noted: %v", b.Notices)
		}
	}
}

// TestArchive_ColonNamesNotice: what is before the second colon of every message of a sender may also be its text.
func TestArchive_ColonNamesNotice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, last string
		want       int
	}{
		{"every message", "Work: Nora: three", 1},
		{"one goes on otherwise", "Work: three", 0},
	} {
		_, notices, _ := read(t, "13/06/24, 10:00 - Max: hi\n13/06/24, 10:01 - Work: Nora: one\n13/06/24, 10:02 - Work: Nora: two\n13/06/24, 10:03 - "+c.last+"\n", owner())
		if notices[noticeName].Count != c.want {
			t.Errorf("%s: notices %v", c.name, notices)
		}
	}
}
