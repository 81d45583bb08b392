package csv

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

const rooms = "namespace: n\nchannel: место\nid: номер\nreply_to: ответ\nauthor_name: кто\ntext: текст\ntime: {column: at, layout: unix}\n"

// TestReader_Charset: ids are the same in every charset, and what was read is of the one that is named or looks right.
func TestReader_Charset(t *testing.T) {
	text, err := charmap.Windows1251.NewEncoder().String("место,номер,ответ,кто,at,текст\n" +
		"сарай,й1,,Анна,1,помидоры взошли после дождя\nсарай,й2,й1,Вера,2,огурцы\nfield,3,,Вера,3,бобы\nсарай,,,Вера,3,бобы\nfield,4,,vera,4,beans\n")
	if err != nil {
		t.Fatal(err)
	}
	in := func(charset string) []event.Event {
		c := table(text, rooms)
		c.Options.Charset = charset
		return readAll(t, c)
	}
	ids := func(all []event.Event) (out []event.ID) {
		for _, e := range all {
			out = append(out, e.ID)
		}
		return out
	}
	right, guessed := in("windows-1251"), in("")
	c := table(text, strings.NewReplacer("место", "1", "номер", "2", "ответ", "3", "кто", "4", "текст", "6").Replace(rooms))
	c.Options.Charset = "koi8-r"
	if wrong := readAll(t, c); !slices.Equal(ids(right), ids(wrong)) || !slices.Equal(ids(right), ids(guessed)) {
		t.Error("ids depend on the charset")
	}
	for _, all := range [][]event.Event{right, guessed} {
		info, ok := all[0].Body.(*event.ChannelInfo)
		if !ok || info.Name != "сарай" || len(all) != 6 {
			t.Fatalf("%d events, the first %+v", len(all), all[0])
		}
		first, second := all[1], all[2]
		if message(t, first).Text != "помидоры взошли после дождя" || first.Author != (event.Person{ID: "Анна", Name: "Анна"}) ||
			first.Reading.Charset != "windows-1251" || !strings.Contains(string(first.Raw), "\xef\xee\xec\xe8") {
			t.Errorf("%+v: %q", first, message(t, first).Text)
		}
		if message(t, second).ReplyTo.NativeID != first.NativeID || first.Channel != info0(all).Channel {
			t.Errorf("a reply to %q, not to %q", message(t, second).ReplyTo.NativeID, first.NativeID)
		}
		if last := all[5]; last.Reading.Charset != "" || last.Channel != "field" {
			t.Errorf("%+v", last)
		}
	}
}

func info0(all []event.Event) *event.Event { return &all[0] }

func TestReader_ConformanceOfCharsets(t *testing.T) {
	for _, batch := range []int{1, 2, 500} {
		c := table("room,who,at,text\n\xf1\xe0\xf0,\xc0,1,\xcf\xf0\xe8\n\xf1\xe0\xf0,\xc0,2,\xcf\xf0\n\xf1\xe0,b,2,x\n",
			"namespace: n\nchannel: room\nauthor: who\ntext: text\ntime: {column: at, layout: unix}\n")
		c.Events, c.Cuts = 5, 60
		producertest.Archive(t, definition(batch), c)
	}
}

func TestReader_SetBackHour(t *testing.T) {
	const mapping = "namespace: n\nchannel: {value: c}\nauthor: who\ntext: at\ntime: {column: at, layout: \"%d.%m.%Y %H:%M\", zone: Europe/Berlin}\n"
	for name, c := range map[string]struct{ rows, want []string }{
		"rising": {[]string{"31.10.2021 02:30", "31.10.2021 02:40", "31.10.2021 02:10", "31.10.2021 02:20", "31.10.2021 03:00"},
			[]string{"00:30", "00:40", "01:10", "01:20", "02:00"}},
		"falling": {[]string{"31.10.2021 03:00", "31.10.2021 02:20", "31.10.2021 02:10", "31.10.2021 02:40", "31.10.2021 02:30", "31.10.2021 01:00"},
			[]string{"02:00", "01:20", "01:10", "00:40", "00:30", "23:00"}},
		"alone":                {[]string{"31.10.2021 02:30"}, []string{"00:30"}},
		"another room's row":   {[]string{"05.11.2021 02:00", "31.10.2021 02:30"}, []string{"01:00", "00:30"}},
		"an hour that is none": {[]string{"28.03.2021 01:30", "28.03.2021 02:30", "28.03.2021 03:10"}, []string{"00:30", "01:30", "01:10"}},
	} {
		for _, batch := range []int{1, 500} {
			batches := producertest.Read(t, definition(batch), table("who,at\nann,"+strings.Join(c.rows, "\nann,")+"\n", mapping), nil)
			var got []string
			skipped := 0
			for _, e := range producertest.Events(batches) {
				got = append(got, e.Sent.At.Format("15:04"))
				if message(t, e).Details[producers.DetailSkippedHour] != "" {
					skipped++
				}
			}
			for _, b := range batches {
				for _, n := range b.Notices {
					skipped -= n.Count
				}
			}
			if !slices.Equal(got, c.want) || skipped != 0 {
				t.Errorf("%s, %d a batch: %v, want %v; %d skipped hours too many or too few are said", name, batch, got, c.want, skipped)
			}
		}
	}
}

func TestReader_MappingOverrules(t *testing.T) {
	c := table("who,at\nann,31.10.2021 12:30\n",
		"namespace: n\nchannel: {value: c}\nauthor: who\ntext: at\ntime: {column: at, layout: \"%d.%m.%Y %H:%M\", zone: Europe/Berlin}\n")
	c.Options.Zone = time.UTC
	if n := producertest.Read(t, Definition(), c, nil)[0].Notices; len(n) != 1 || n[0].Code != "mapping-overrules" || n[0].Count != 1 {
		t.Errorf("%+v", n)
	}
	c.Options.Zone = zone(t, "Europe/Berlin")
	if n := producertest.Read(t, Definition(), c, nil)[0].Notices; len(n) > 0 {
		t.Errorf("they say the same, and yet: %+v", n)
	}
}
