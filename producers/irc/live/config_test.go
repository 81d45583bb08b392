package live

import (
	"strings"
	"testing"
)

func TestConfig_Check(t *testing.T) {
	t.Parallel()
	_, err := New(decoder(`
server: irc.libera.chat
tls: false
tls_ca: ca.pem
nick: "не ник"
password: a
password_file: b
sasl: {mechanism: scram}
channels: [golang, "#a", "#A"]
charset: latin-99
history: -1
ping_after: 0s
`))
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"network is empty", "server", "nick", "password and password_file", "sasl.mechanism", `"golang"`, "#A is there twice", "charset",
		"history", "ping_after", "tls is false",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not a word of %s in: %v", want, err)
		}
	}
}

func TestConfig_SASL(t *testing.T) {
	t.Parallel()
	const base = "network: n\nserver: h:1\nnick: n\nchannels: ['#a']\n"
	for text, want := range map[string]string{
		"sasl: {user: a}": "password",
		"sasl: {user: a, password: b, password_file: c}":      "keep one",
		"sasl: {mechanism: external}":                         "tls_cert",
		"tls_cert: /does/not/exist\ntls_key: /does/not/exist": "tls_cert",
		"tls_ca: /does/not/exist":                             "tls_ca",
		"channel: ['#b']":                                     "channel",
	} {
		if _, err := New(decoder(base + text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want a word of %s", text, err, want)
		}
	}
}
