package measure

import (
	"strings"
	"testing"
)

func TestBentoPublish(t *testing.T) {
	t.Parallel()
	at := BentoServers{Lines: "/x/messages.jsonl", NATS: "nats://u:p@h:1", DSN: "postgres://a:b@c/d?sslmode=disable"}
	for name, make := range map[string]func(BentoServers) ([]byte, error){"publish": BentoPublish, "insert": BentoInsert} {
		text, err := make(at)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range map[string][]string{"publish": {at.Lines, at.NATS, BentoSubject}, "insert": {at.NATS, at.DSN, BentoStream, "batching"}}[name] {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s does not say %s:\n%s", name, word, text)
			}
		}
	}
}
