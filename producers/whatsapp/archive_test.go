package whatsapp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestDefinition(t *testing.T) {
	t.Parallel()
	producertest.Definition(t, Definition())
}

// No edited message: cut within the note, it is read as another text.
const iPhone1 = "\ufeff[24.12.23, 18:00:01] Farm: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb " +
	"dieses Chats kann sie lesen oder anhören, nicht einmal WhatsApp.\r\n" +
	"\u200e[24.12.23, 18:00:02] Farm: \u200e\u202a+49\u00a0170\u00a01\u202c hat die Gruppe „Farm“ erstellt\r\n" +
	"[24.12.23, 18:01:00] Anna: frohe\r\n\r\nWeihnachten \U0001F384\r\n" +
	"\u200e[24.12.23, 18:02:00] ~\u202fBob: \u200e<Anhang: 00000004-PHOTO-2023-12-24-18-02-00.jpg>\r\n" +
	"[24.12.23, 18:02:30] ~\u202fBob: ok\r\n" +
	"[24.12.23, 18:02:40] ~\u202fBob: ok\r\n" +
	"\u200e[25.12.23, 09:00:00] Anna: \u200eDiese Nachricht wurde gelöscht.\r\n" +
	"[25.12.23, 09:01:00] Anna: Treffen um 10\r\n"

// android spans many batches, days that come back, equal lines, garbage before it.
func android(lines int) string {
	var b strings.Builder
	b.WriteString("the end of a message that was cut\n")
	for i := range lines {
		day := []int{13, 14, 13, 15, 14, 16}[i/200%6]
		fmt.Fprintf(&b, "%d/06/2024, %d:%02d - Name %d: line %d\n", day, i%200/10, i%7, i%3, i/2)
		if i%5 == 0 {
			b.WriteString("\nand more: of it\n")
		}
		if i%9 == 0 {
			fmt.Fprintf(&b, "%d/06/2024, %d:%02d - Name %d: ok\n%d/06/2024, %d:%02d - Anna left\n",
				day, i%200/10, i%7, i%2, day, i%200/10, i%7)
		}
	}
	return b.String()
}

func TestArchive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]producertest.Case{
		"iphone":   {Path: iPhonePath, Data: []byte(iPhone1), Events: 10, Cuts: 200},
		"android":  {Path: androidPath, Data: []byte(android(1190)), Events: 1190, Unparsed: 1, Cuts: 40},
		"american": {Path: "WhatsApp Chat with A.txt", Data: []byte("12/25/23, 6:00\u202fPM - A: x\n1/2/24, 1:00\u202fAM - B: y\n"), Events: 4},
		"long": {Path: androidPath, Events: 6, Unparsed: 4, Cuts: 30, Data: []byte("13/06/24, 10:00 - A: " +
			strings.Repeat("z", 2*maxLine) + "\n13/06/24, 10:01 - B: y\n" + strings.Repeat("я 12\n", maxMessage/6) + "13/06/24, 10:02 - A: end\n")},
	} {
		c.Options = owner()
		if name == "long" {
			c.Unparsed = -1
			n := producers.Counts{}
			for _, b := range producertest.Read(t, Definition(), c, nil) {
				n.Add(b.Counts)
			}
			if c.Unparsed = n.Unparsed; n.Unparsed < 3 {
				t.Errorf("what is too long gives %+v", n)
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			producertest.Archive(t, Definition(), c)
		})
	}
}

func TestRecognise_Foreign(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a.weechatlog":     "2019-10-01 10:00:01\tIvan\thello: you\n",
		"#b.log":           "[2019-10-01 10:00:01] <Ivan> hello: you\n[2019-10-01 10:00:02] * Ivan waves: hi\n",
		"irc.log":          "[10:00:01] <Ivan> hello: you\n",
		"result.json":      "{\n \"name\": \"x: y\",\n \"messages\": []\n}\n",
		"table.csv":        "2024-01-01,a: b\n2024-01-02,c: d\n",
		"readme.txt":       "1/2/2024 was a day: it rained\n",
		"nginx.log":        "[01/Feb/2024:10:00:00 +0000] GET /: 200\n",
		"Notes 1.txt":      "12.05.2024 - meeting: all\n",
		"application.json": "[1, 2, 3]",
	} {
		producertest.Foreign(t, Definition(), producertest.File(name, []byte(text)))
	}
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, text string
		want       producers.Confidence
	}{
		{androidPath, "1/2/24, 10:00 - A: x\n", producers.Certain},
		{"Чат WhatsApp с контактом Иван.txt", "13.06.2024, 10:00 - Сообщения защищены\n", producers.Certain},
		{"renamed.txt", "[1/2/24, 10:00:00 AM] A: x\nmore\nmore\n", producers.Likely},
		{"renamed.txt", "13.06.24 10:00 - A: x\n", producers.Likely},
		{"renamed.txt", "what is left of a line\n13/06/24, 10:00 - A: x\n", producers.Possible},
		{androidPath, "1/2/24, 10:00 - A: a \x00 within\n1/2/24, 10:01 - A: y\n", producers.Certain},
		{androidPath, "1\x00/\x002\x00/\x002\x004\x00,\x00 \x001\x00", producers.No},
		{"server.log", "2024-01-02 10:00:00 - ERROR: broken\n", producers.Possible},
	} {
		if got := Definition().Recognise(producertest.File(c.path, []byte(c.text))); got != c.want {
			t.Errorf("%s %q is recognised with confidence %d, want %d", c.path, c.text, got, c.want)
		}
	}
}

func TestNewArchive(t *testing.T) {
	t.Parallel()
	text := []byte("13/06/24, 10:00 - A: x\n")
	for _, c := range []struct {
		path   string
		o      producers.Options
		reason string
	}{
		{androidPath, producers.Options{}, "--account"},
		{"_chat.txt", owner(), "--channel"},
	} {
		_, err := Definition().Archive(producertest.File(c.path, text), c.o)
		if fault.Of(err) != fault.Fatal || !strings.Contains(fmt.Sprint(err), c.reason) {
			t.Errorf("%s with %+v gives %v", c.path, c.o, err)
		}
	}
	events := messages(t, androidPath, string(text))
	if e := events[0]; e.Namespace != "whatsapp:me" || e.Account != "me" || e.Channel != "Farm" || string(e.Raw) != "13/06/24, 10:00 - A: x" {
		t.Errorf("message is of %s/%s/%s: %q", e.Namespace, e.Account, e.Channel, e.Raw)
	}
	named := producertest.Events(batches(t, "x/_chat.txt", string(text), producers.Options{Account: "me", Channel: "Other"}))
	if named[1].Channel != "Other" {
		t.Errorf("a channel that is given is not taken: %s", named[1].Channel)
	}
}

func TestChatOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"a/WhatsApp Chat with Mum & Dad.txt":         "Mum & Dad",
		"WhatsApp Chat with Mum (1).txt":             "Mum",
		"WhatsApp Chat with Class (2024).txt":        "Class (2024)",
		"Чат WhatsApp с контактом Иван.txt":          "Иван",
		"Чат WhatsApp с Поле.txt":                    "Поле",
		"WhatsApp Chat mit Otto.txt":                 "Otto",
		"Chat de WhatsApp con Ana.txt":               "Ana",
		"Conversa do WhatsApp com Ana.txt":           "Ana",
		"Discussion WhatsApp avec Zoé.txt":           "Zoé",
		"Chat WhatsApp con Ugo.txt":                  "Ugo",
		"Ayşe ile WhatsApp Sohbeti.txt":              "Ayşe",
		"WhatsApp-chat met Jan.txt":                  "Jan",
		"x/WhatsApp Chat - Farm.zip/_chat.txt":       "Farm",
		"x/WhatsApp Chat - Farm (2).zip/_chat.txt":   "Farm",
		"x/WhatsApp Chat - Кии\u0306в.zip/_chat.txt": "Кийв",
		"x\\WhatsApp Chat - Farm\\_chat.txt":         "Farm",
		"mum/_chat.txt":                              "mum",
		"_chat.txt":                                  "",
		"renamed.txt":                                "renamed",
		"WhatsApp Chat with \u2068Farm\u2069.txt":    "Farm",
	} {
		if got := chatOf(path); got != want {
			t.Errorf("%s is of chat %q, want %q", path, got, want)
		}
	}
}

// TestArchive_Overlap: two exports of the last so many messages, the second made later, on a phone with another clock and language.
func TestArchive_Overlap(t *testing.T) {
	t.Parallel()
	const most, all = 40000, 60000
	line := func(i int, layout string) string {
		return fmt.Sprintf(layout, 1+i/1440%28, 1+i/1440/28, i/60%24, i/3%60, i%7, i/2%500)
	}
	var first, second strings.Builder
	for i := range most {
		first.WriteString(line(i, "%d/%d/24, %02d:%02d - Name %d: text %d\n"))
	}
	for i := all - most; i < all; i++ {
		second.WriteString(line(i, "[%02d.%02d.2024, %02d:%02d:00] Name %d: text %d\r\n"))
	}
	a, na := drain(t, producertest.File(androidPath, []byte(first.String())), owner())
	b, nb := drain(t, producertest.File(iPhonePath, []byte(second.String())), owner())
	seen := map[event.ID]bool{}
	for _, id := range append(ids(a), ids(b)...) {
		seen[id] = true
	}
	if len(seen) != all || na.Read != most || nb.Read != most {
		t.Errorf("of %d messages there are %d ids; read %+v and %+v", all, len(seen), na, nb)
	}
}

func TestArchive_EqualLines(t *testing.T) {
	t.Parallel()
	text := "13/06/24, 10:00 - A: ok\n13/06/24, 10:00 - A: ok\n13/06/24, 10:00 - B: ok\n13/06/24, 10:01 - A: ok\n"
	events, n := drain(t, producertest.File(androidPath, []byte(text)), owner())
	seen := map[event.ID]bool{}
	for _, id := range ids(events) {
		seen[id] = true
	}
	if len(seen) != 4 || n.Ambiguous != 1 {
		t.Errorf("%d ids, counted %+v", len(seen), n)
	}
}

// TestArchive_Media: the second export has the files, whose numbers are those of its own.
func TestArchive_Media(t *testing.T) {
	t.Parallel()
	for path, texts := range map[string][2]string{
		iPhonePath: {
			"[13.06.24, 10:00:00] A: \u200eimage omitted\n[13.06.24, 10:00:00] A: \u200eBild weggelassen\n[13.06.24, 10:01:00] A: Plan.pdf • \u200e2 pages \u200edocument omitted\n",
			"[13.06.24, 10:00:00] A: \u200e<attached: 00000001-PHOTO-2024.jpg>\n[13.06.24, 10:00:00] A: \u200e<attached: 00000002-PHOTO-2024.jpg>\n[13.06.24, 10:01:00] A: Plan.pdf • \u200e2 pages \u200e<attached: 00000003-Plan.pdf>\n",
		},
		androidPath: {
			"13.06.24, 10:00 - A: <Без медиафайлов>\nподпись\n13.06.24, 10:01 - A: Ann.vcf (файл добавлен)\n",
			"13.06.24, 10:00 - A: IMG-20240613-WA0001.jpg (file attached)\nподпись\n13.06.24, 10:01 - A: Ann.vcf (file attached)\n",
		},
	} {
		a, b := ids(messages(t, path, texts[0])), ids(messages(t, path, texts[1]))
		if len(a) == 0 || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s has other ids with media: %v, %v", path, a, b)
		}
	}
}

func TestArchive_Grown(t *testing.T) {
	t.Parallel()
	text := "13/06/24, 10:00 - A: x\n13/06/24, 10:00 - A: x\n13/06/24, 10:01 - A: y\nmore\n"
	for cut := 24; cut < len(text); cut += 5 {
		def := Definition()
		before := producertest.Read(t, def, producertest.Case{Path: androidPath, Data: []byte(text[:cut]), Options: owner()}, nil)
		whole := producertest.Case{Path: androidPath, Data: []byte(text), Options: owner()}
		rest := producertest.Read(t, def, whole, before[len(before)-1].Cursor)
		want, got := producertest.Events(producertest.Read(t, def, whole, nil)), producertest.Events(rest)
		if fmt.Sprint(ids(want)) != fmt.Sprint(ids(got)) {
			t.Errorf("cut at %d, then grown: %d messages, want %d", cut, len(ids(got)), len(ids(want)))
		}
		if again := producertest.Read(t, def, whole, rest[len(rest)-1].Cursor); len(again) > 0 {
			t.Errorf("a file that has not grown is read on")
		}
	}
}

// TestArchive_Winter: the hour that a clock set back shows twice.
func TestArchive_Winter(t *testing.T) {
	t.Parallel()
	text := "27/10/24, 02:30 - A: x\n27/10/24, 02:10 - A: y\n27/10/24, 04:00 - A: z\n"
	o := owner()
	o.Zone = zone(t, "Europe/Berlin")
	events := producertest.Events(batches(t, androidPath, text, o))
	compare(t, events[1:4], "2024-10-27 00:30 <A> x\n2024-10-27 01:10 <A> y\n2024-10-27 03:00 <A> z")
	if z := events[1].Sent.Zone; z != "Europe/Berlin" {
		t.Errorf("zone is %q", z)
	}
}
