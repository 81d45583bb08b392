package whatsapp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestArchive_Headers: every layout, separator and clock of one instant.
func TestArchive_Headers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"13/06/2024, 18:05 - A: x":                       "2024-06-13 18:05",
		"13/6/24, 18:05 – A: x":                          "2024-06-13 18:05",
		"13.06.24 18:05 - A: x":                          "2024-06-13 18:05",
		"13-06-2024 18:05 - A: x":                        "2024-06-13 18:05",
		"13/06/2024 à 18:05 - A: x":                      "2024-06-13 18:05",
		"13.6.2024, 18.05 - A: x":                        "2024-06-13 18:05",
		"6/13/24, 6:05 PM - A: x":                        "2024-06-13 18:05",
		"6/13/24, 6:05\u202fPM - A: x":                   "2024-06-13 18:05",
		"13/06/24, 6:05\u00a0p.\u00a0m. - A: x":          "2024-06-13 18:05",
		"13/06/24, 6:05 p. m. - A: x":                    "2024-06-13 18:05",
		"13/06/24, 6:05 p.m. - A: x":                     "2024-06-13 18:05",
		"13/06/24, 6:05\u202fpm - A: x":                  "2024-06-13 18:05",
		"13.06.24, 6:05 nachm. - A: x":                   "2024-06-13 18:05",
		"13.06.2024 ÖS 6:05 - A: x":                      "2024-06-13 18:05",
		"2024/6/13 下午6:05 - A: x":                        "2024-06-13 18:05",
		"2024/06/13, 18:05 - A: x":                       "2024-06-13 18:05",
		"2024-06-13, 6:05 p.m. - A: x":                   "2024-06-13 18:05",
		"2024-13-06, 18:05 - A: x":                       "2024-06-13 18:05",
		"2024. 06. 13. 18:05 - A: x":                     "2024-06-13 18:05",
		"99/06/13, 18:05 - A: x\n24/06/13, 18:05 - A: x": "2024-06-13 18:05",
		"13/06/24, 12:05 am - A: x":                      "2024-06-13 00:05",
		"13/06/24, 00:05 a. m. - A: x":                   "2024-06-13 00:05",
		"13/06/24, 12:05 PM - A: x":                      "2024-06-13 12:05",
		"13/06/24, 24:05 - A: x":                         "2024-06-13 00:05",
		"[13.06.24, 18:05:09] A: x":                      "2024-06-13 18:05:09",
		"\ufeff\u200e[6/13/24, 6:05:09\u202fPM] A: x":    "2024-06-13 18:05:09",
		"[2024/06/13 18:05:09] A: x":                     "2024-06-13 18:05:09",
		"[13/06/24 18:05] A: x":                          "2024-06-13 18:05",
		"[13/06/2024, 6:05:09 p.\u00a0m.] A: x\r":        "2024-06-13 18:05:09",
		"\u200f٢٠٢٤/٦/١٣، ٦:٠٥\u202fم - A: x":            "2024-06-13 18:05",
		"\u200f١٣/٠٦/٢٠٢٤، ٠٦:٠٥ ص - A: x":               "2024-06-13 06:05",
		"13\u200f/6\u200f/2024، 6:05 م - \u200fA: x":     "2024-06-13 18:05",
		"[١٣\u200f/٦\u200f/٢٠٢٤, ٦:٠٥:٠٩ م] A: x":        "2024-06-13 18:05:09",
		"\u200f[13/06/2024، 6:05:09 ص] \u200fA: x":       "2024-06-13 06:05:09",
		"2024. 6. 13. 오후 6:05 - A: x":                    "2024-06-13 18:05",
		"[2024. 6. 13. 오후 6:05:09] A: x":                 "2024-06-13 18:05:09",
		"2024년 6월 13일 오후 6:05 - A: x":                    "2024-06-13 18:05",
		"24. 6. 13. 오전 6:05 - A: x":                      "2024-06-13 06:05",
		"24/6/13 PM 6:05 - A: x":                         "2024-06-13 18:05",
		"2024年6月13日 下午6:05 - A: x":                       "2024-06-13 18:05",
		"2024/06/13 午後6:05 - A: x":                       "2024-06-13 18:05",
	} {
		events := messages(t, androidPath, text+"\n")
		e := &events[len(events)-1]
		if got := show(e); got != want+" <A> x" {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// TestArchive_Order: which of two numbers is the day is decided by the whole file, never by a line.
func TestArchive_Order(t *testing.T) {
	t.Parallel()
	const at, sure, open = ", 10:00 - A: x\n", false, true
	for _, c := range []struct {
		name, text, first string
		open              bool
	}{
		{"the last line says it", "01/02/24" + at + "03/02/24" + at + "13/02/24" + at, "2024-02-01", sure},
		{"month first", "01/02/24" + at + "01/13/24" + at, "2024-01-02", sure},
		{"it only goes on with the day first", "11/01/24" + at + "03/02/24" + at, "2024-01-11", sure},
		{"it only goes on with the month first", "1/11/24" + at + "2/3/24" + at, "2024-01-11", sure},
		{"a pasted header of another phone", "01/02/24" + at + "14/02/24" + at + "12/25/23" + at + "15/02/24" + at, "2024-02-01", sure},
		{"nothing says it", "01/02/24" + at, "2024-02-01", open},
		{"full stops", "01.02.24" + at, "2024-02-01", sure},
		{"a language that prints the day first", "01/02/24" + at + "01/02/24, 10:01 - A: <Médias omis>\n", "2024-02-01", sure},
		{"an American phone", "1/2/24, 1:00\u202fPM - A: x\n1/2/24, 1:01\u202fPM - A: <Media omitted>\n", "2024-01-02", open},
		{"an American phone that says nothing itself", "3/4/21, 10:00 PM - A: x\n3/5/21, 10:00 PM - A: y\n", "2021-03-04", open},
		{"two digits of the year first, in Korea", "24/8/21 PM 1:28 - A: x\n", "2024-08-21", sure},
		{"an English phone", "01/02/24, 1:00\u202fpm - A: x\n01/02/24, 1:01\u202fpm - A: <Media omitted>\n", "2024-02-01", open},
		{"a message that came late", "12/01/24" + at + "01/02/24" + at + "12/01/24" + at + "14/02/24" + at, "2024-01-12", sure},
	} {
		e := messages(t, androidPath, c.text)[0]
		got := show(&e)
		if !strings.HasPrefix(got, c.first+" ") || !strings.HasSuffix(got, "> x") || e.Reading.DateGuessed != c.open {
			t.Errorf("%s: the first message is %s, and its order is open: %v", c.name, got, e.Reading.DateGuessed)
		}
		if !e.Sent.Assumed {
			t.Errorf("%s: the time is not marked as assumed", c.name)
		}
	}
}

func TestArchive_IPhone(t *testing.T) {
	t.Parallel()
	compare(t, messages(t, iPhonePath, iPhone1+"[25.12.23, 09:02:00] Anna: Treffen um 11 \u200e<Diese Nachricht wurde bearbeitet.>\r\n"), `
2023-12-24 18:00:01 <> notice/encryption
2023-12-24 18:00:02 <+49 170 1> create/create_group =Farm
2023-12-24 18:01:00 <Anna> frohe||Weihnachten 🎄
2023-12-24 18:02:00 <~ Bob>  [photo 00000004-PHOTO-2023-12-24-18-02-00.jpg ]
2023-12-24 18:02:30 <~ Bob> ok
2023-12-24 18:02:40 <~ Bob> ok
2023-12-25 09:00:00 <Anna> other/deleted deleted=true
2023-12-25 09:01:00 <Anna> Treffen um 10
2023-12-25 09:02:00 <Anna> Treffen um 11 edited=true`)
}

func TestArchive_PastedHeaders(t *testing.T) {
	t.Parallel()
	compare(t, messages(t, androidPath, "13/06/24, 10:00 - A: look:\n[01.02.24, 10:00:00] B: other style\n6/13/24, 10:00 - B: other order\n"+
		"13/06/24, 10:01 PM - B: other clock\n13/06/24, 10:01 - B: this one cannot be told\n- 13/06/24, 10:00 - B: no\n"), `
2024-06-13 10:00 <A> look:|[01.02.24, 10:00:00] B: other style|6/13/24, 10:00 - B: other order|13/06/24, 10:01 PM - B: other clock
2024-06-13 10:01 <B> this one cannot be told|- 13/06/24, 10:00 - B: no`)
}

func TestArchive_Colons(t *testing.T) {
	t.Parallel()
	compare(t, messages(t, androidPath, `13/06/24, 10:00 - Ann: note: one
13/06/24, 10:01 - Dr: Smith: one
13/06/24, 10:02 - Dr: Smith: two: 2
13/06/24, 10:03 - Dr: Smith: three
13/06/24, 10:04 - Ann created group "Plan: B"
13/06/24, 10:05 - Ann changed the subject from "Plan: B" to "Plan: back to C"
13/06/24, 10:06 - Ann: Bob left
13/06/24, 10:07 - Bob:
13/06/24, 10:08 - Иван добавил(-а) участников: Анна
13/06/24, 10:09 - http://a.b/c: d
`), `
2024-06-13 10:00 <Ann> note: one
2024-06-13 10:01 <Dr: Smith> one
2024-06-13 10:02 <Dr: Smith> two: 2
2024-06-13 10:03 <Dr: Smith> three
2024-06-13 10:04 <Ann> create/create_group =Plan: B
2024-06-13 10:05 <Ann> title/change_subject =Plan: back to C
2024-06-13 10:06 <Ann> Bob left
2024-06-13 10:07 <Bob>
2024-06-13 10:08 <Иван> invite/add +Анна
2024-06-13 10:09 <http://a.b/c> d`)
}

// TestArchive_ServiceLines: what happens in a group, printed by phones of eleven languages.
func TestArchive_ServiceLines(t *testing.T) {
	t.Parallel()
	for lang, lines := range serviceLines() {
		for text, want := range lines {
			e := messages(t, androidPath, "13.06.24, 10:00 - "+text+"\n")[0]
			if got := strings.TrimPrefix(show(&e), "2024-06-13 10:00 "); got != want {
				t.Errorf("%s: %q is %s, want %s", lang, text, got, want)
			}
		}
	}
}

func TestArchive_IPhoneServiceLines(t *testing.T) {
	t.Parallel()
	compare(t, messages(t, iPhonePath, "[13.06.24, 10:00:00] Ann: Messages and calls are end-to-end encrypted. No one outside can read: nobody.\n"+
		"[13.06.24, 10:00:01] Farm: \u200eAnn added Bob and you\n"+
		"[13.06.24, 10:00:02] Ann: \u200eMissed voice call, \u200eTap to call back\n"+
		"[13.06.24, 10:00:03] Ann: Bob left\n"+
		"[13.06.24, 10:00:04] Farm: \u200eSomething new happened\n"+
		"[13.06.24, 10:00:05] You: \u200eYou removed Bob\n"), `
2024-06-13 10:00:00 <> notice/encryption
2024-06-13 10:00:01 <Ann> invite/add +Bob +(you)
2024-06-13 10:00:02 <Ann> call/missed_voice_call
2024-06-13 10:00:03 <Ann> Bob left
2024-06-13 10:00:04 <Farm> Something new happened
2024-06-13 10:00:05 <(you)> kick/remove +Bob`)
}

func TestArchive_MediaMarks(t *testing.T) {
	t.Parallel()
	const gone = "the export was made without this file]"
	for text, want := range map[string]string{
		"<Media omitted>":                             " [file  " + gone,
		"<media omitted>\ncaption":                    "caption [file  " + gone,
		"<Без медиафайлов>":                           " [file  " + gone,
		"<Medien ausgeschlossen>":                     " [file  " + gone,
		"<Multimedia omitido>":                        " [file  " + gone,
		"<Mídia oculta>":                              " [file  " + gone,
		"<Médias omis>":                               " [file  " + gone,
		"<Media omessi>":                              " [file  " + gone,
		"<Medya dahil edilmedi>":                      " [file  " + gone,
		"<Media weggelaten>":                          " [file  " + gone,
		"<تم استبعاد الوسائط>":                        " [file  " + gone,
		"<미디어 파일을 생략한 대화내용>":                          " [file  " + gone,
		"x.bin (الملف مرفق)":                          " [file x.bin ]",
		"x.bin (파일 첨부됨)":                              " [file x.bin ]",
		"<Video note omitted>":                        " [video_message  " + gone,
		"<View once voice message omitted>":           " [file  " + gone + " view_once=true",
		"image omitted":                               "image omitted",
		"IMG-1.jpg (file attached)\ncaption\n2":       "caption|2 [photo IMG-1.jpg ]",
		"\u200ePTT-1.opus (файл добавлен)":            " [voice PTT-1.opus ]",
		"a (1).pdf (Datei angehängt)":                 " [file a (1).pdf ]",
		"VID-1.mp4 (archivo adjunto)":                 " [video VID-1.mp4 ]",
		"STK-1.webp (arquivo anexado)":                " [sticker STK-1.webp ]",
		"AUD-1.m4a (fichier joint)":                   " [audio AUD-1.m4a ]",
		"x.gif (file allegato)":                       " [animation x.gif ]",
		"x.bin (dosya ekli)":                          " [file x.bin ]",
		"x.bin (bestand bijgevoegd)":                  " [file x.bin ]",
		"Ann Example.vcf (file attached)":             " [contact Ann Example.vcf ]",
		"see (below)":                                 "see (below)",
		"a < b > c":                                   "a < b > c",
		"location: https://maps.google.com/?q=1.5,-2": "location: https://maps.google.com/?q=1.5,-2 location=1.5,-2",
		"live location shared":                        "live location shared location=live",
		"old <This message was edited>":               "old edited=true",
		"<This message was edited>":                   " edited=true",
	} {
		e := messages(t, androidPath, "13/06/24, 10:00 - A: "+text+"\n")[0]
		if got := strings.TrimPrefix(show(&e), "2024-06-13 10:00 <A> "); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"\u200eimage omitted":                                 " [photo  " + gone,
		"\u200eGIF omitted":                                   " [animation  " + gone,
		"Video weggelassen":                                   " [video  " + gone,
		"\u200eаудиофайл отсутствует":                         " [audio  " + gone,
		"\u200eContact card omitted":                          " [contact  " + gone,
		"a.pdf • \u200e2 pages \u200edocument omitted":        "a.pdf • 2 pages [file  " + gone,
		"see \u200e<attached: 00000001-PHOTO-1.jpg>":          "see [photo 00000001-PHOTO-1.jpg ]",
		"\u200fلم يتم إدراج الصورة":                           " [photo  " + gone,
		"\u200e이미지 생략됨":                                       " [photo  " + gone,
		"\u200f<المُرفق: 00000001-PHOTO-1.jpg>":               " [photo 00000001-PHOTO-1.jpg ]",
		"\u200e<첨부됨: 00000001-PHOTO-1.jpg>":                   " [photo 00000001-PHOTO-1.jpg ]",
		"\u200e<прикреплено: 00000001-AUDIO-1.opus>":          " [voice 00000001-AUDIO-1.opus ]",
		"\u200e<adjunto: 1-VIDEO-1.mp4>\nmira":                "mira [video 1-VIDEO-1.mp4 ]",
		"\u200e<allegato: Ann.vcf>":                           " [contact Ann.vcf ]",
		"\u200eYou received a view once message. For privacy": "You received a view once message. For privacy [file  it could be seen once only] view_once=true",
	} {
		e := messages(t, iPhonePath, "[13/06/24, 10:00:00] A: "+text+"\r\n")[0]
		if got := strings.TrimPrefix(show(&e), "2024-06-13 10:00:00 <A> "); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestArchive_DeletedAndEdited(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"This message was deleted", "You deleted this message.", "Данное сообщение удалено", "Вы удалили данное сообщение",
		"Diese Nachricht wurde gelöscht.", "Se eliminó este mensaje.", "Mensagem apagada", "Ce message a été supprimé",
		"Questo messaggio è stato eliminato", "Bu mesaj silindi", "Dit bericht is verwijderd", "تم حذف هذه الرسالة",
		"이 메시지는 삭제되었습니다", "삭제된 메시지입니다.",
	} {
		e := messages(t, androidPath, "13.06.24, 10:00 - A: "+text+"\n")[0]
		if got := show(&e); got != "2024-06-13 10:00 <A> other/deleted deleted=true" {
			t.Errorf("%q is %s", text, got)
		}
	}
	for _, text := range []string{
		"This message was edited", "Сообщение изменено", "Diese Nachricht wurde bearbeitet.", "Se editó este mensaje.",
		"Mensagem editada", "Ce message a été modifié", "Questo messaggio è stato modificato", "Bu mesaj düzenlendi", "Dit bericht is bewerkt",
	} {
		e := messages(t, androidPath, "13.06.24, 10:00 - A: x <"+text+">\n")[0]
		if got := show(&e); got != "2024-06-13 10:00 <A> x edited=true" {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestArchive_Mentions(t *testing.T) {
	t.Parallel()
	e := messages(t, androidPath, "13.06.24, 10:00 - A: hi @\u2068Ann B\u2069, @c\n")[0]
	m := e.Body.(*event.Message)
	if diff := cmp.Diff([]event.Person{{ID: "Ann B", Name: "Ann B"}}, m.Mentions); diff != "" || m.Text != "hi @Ann B, @c" {
		t.Errorf("mentions of %q differ: %s", m.Text, diff)
	}
}

func TestArchive_FilesBeside(t *testing.T) {
	t.Parallel()
	text := "13.06.24, 10:00 - A: IMG-1.jpg (file attached)\n13.06.24, 10:01 - A: IMG-2.jpg (file attached)\n"
	events, _ := drain(t, folder(androidPath, text, map[string]string{"IMG-1.jpg": "abc"}), owner())
	want := []event.Attachment{
		{Kind: "photo", Name: "IMG-1.jpg", Path: "IMG-1.jpg", Bytes: 3, SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{Kind: "photo", Name: "IMG-2.jpg", Path: "IMG-2.jpg", Missing: "the export names this file but does not hold it"},
	}
	for i, e := range events[1:3] {
		if diff := cmp.Diff(want[i:i+1], e.Body.(*event.Message).Attachments); diff != "" {
			t.Errorf("attachment %d differs: %s", i, diff)
		}
	}
}

func TestArchive_AccentsOfFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, file string }{{"Pla\u0301n.pdf", "Pl\u00e1n.pdf"}, {"Pl\u00e1n.pdf", "Pla\u0301n.pdf"}} {
		f := folder(androidPath, "13.06.24, 10:00 - A: "+c.text+" (file attached)\n", map[string]string{c.file: "abc"})
		events, _ := drain(t, f, owner())
		if a := events[1].Body.(*event.Message).Attachments[0]; a.Bytes != 3 || a.Missing != "" {
			t.Errorf("%q beside %q is %+v", c.text, c.file, a)
		}
	}
}

// TestArchive_Exports reads exports of others, where there are any: they are not ours to keep.
func TestArchive_Exports(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("WHATSAPP_EXPORTS")
	if dir == "" {
		t.Skip("WHATSAPP_EXPORTS names no folder with exports to try")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no exports in %s: %v", dir, err)
	}
	for _, path := range paths {
		producertest.Archive(t, Definition(), producertest.Case{Path: path, Options: owner(), Events: 3, Cuts: 1})
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		events, n := drain(t, producertest.File(path, data), owner())
		t.Logf("%s: %+v", path, n)
		for i := range events {
			t.Log(show(&events[i]))
		}
	}
}

// An hour that comes twice is placed by the order of the messages; the other reading is in each message's details.
func TestArchive_AmbiguousHour(t *testing.T) {
	const text = "27.10.2024, 02:50 - Ann: one\n27.10.2024, 02:10 - Ann: two\n27.10.2024, 03:10 - Ann: three\n"
	want := [][2]string{{"00:50", "2024-10-27T01:50:00Z"}, {"01:10", "2024-10-27T00:10:00Z"}, {"02:10", ""}}
	for _, b := range batches(t, "WhatsApp Chat with Farm.txt", text, producers.Options{Account: "me", Zone: zone(t, "Europe/Berlin")}) {
		for _, e := range b.Events {
			m, ok := e.Body.(*event.Message)
			if !ok {
				continue
			}
			if got := [2]string{e.Sent.At.Format("15:04"), m.Details["sent_or"]}; got != want[0] {
				t.Errorf("%q: %v, want %v", m.Text, got, want[0])
			}
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("%d messages are missing", len(want))
	}
}

// One message that is sent again and again is no evidence that its first word belongs to the name.
func TestArchive_ColonsOfEqualMessages(t *testing.T) {
	events := messages(t, "WhatsApp Chat with Farm.txt", strings.Repeat("27.10.2024, 02:50 - Ann: note: sow\n", 3))
	for _, e := range events {
		if m, ok := e.Body.(*event.Message); ok && (e.Author.Name != "Ann" || m.Text != "note: sow") {
			t.Errorf("%q: %q", e.Author.Name, m.Text)
		}
	}
}

// Whoever says what WhatsApp says of people is a person all the same.
func TestArchive_WordsOfServiceLines(t *testing.T) {
	const text = "27.10.2024, 02:50 - Ann: left\n27.10.2024, 02:51 - Bob: was added\n27.10.2024, 02:52 - Ann: ok\n27.10.2024, 02:53 - Bob left\n"
	want := []string{"Ann", "Bob", "Ann", "Bob"}
	for i, e := range messages(t, "WhatsApp Chat with Farm.txt", text) {
		m, ok := e.Body.(*event.Message)
		if !ok || e.Author.Name != want[i] || (m.Type == event.TypeService) != (i == 3) {
			t.Errorf("message %d: %q, %+v", i, e.Author.Name, e.Body)
		}
	}
}
