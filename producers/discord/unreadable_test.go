package discord

import (
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers/producertest"
)

func TestDefinition_Unreadable(t *testing.T) {
	def := Definition()
	for name, c := range map[string]struct{ data, want string }{
		"page": {"\xef\xbb\xbf<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>Allotment - beans</title>\n<style>\n" +
			".chatlog__message-group { }\n</style>", "HTML"},
		"page of 2018": {"<!DOCTYPE html>\n<html>\n<head>\n<title>Allotment - beans</title>\n</head><body><div id=\"info\">" +
			"<img src=\"https://cdn.discordapp.com/icons/1/a.png\"></div><div id=\"log\"><div class=\"msg\">", "HTML"},
		"text": {strings.Repeat("=", 62) + "\r\nGuild: Allotment\r\nChannel: Plots / beans\r\n" + strings.Repeat("=", 62) +
			"\r\n\r\n[01-May-24 12:00 PM] vera#1234\r\nthe beans came up\r\n", "TXT"},
	} {
		t.Run(name, func(t *testing.T) {
			f := producertest.File("Allotment - beans ["+channelID+"].html", []byte(c.data))
			if def.Recognise(f) != 0 {
				t.Error("it is recognised")
			}
			if got := def.Unreadable(f); !strings.Contains(got, c.want) || !strings.Contains(got, "as JSON") {
				t.Errorf("it is called %q", got)
			}
		})
	}
	for _, other := range []string{"", "<!DOCTYPE html><html><body>chat</body></html>", "======\nGuild: x", "just text\nof two lines", "{}"} {
		if got := def.Unreadable(producertest.File("x", []byte(other))); got != "" {
			t.Errorf("%q is called %q", other, got)
		}
	}
}
