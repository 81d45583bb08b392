package bus

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestParseAckSubject(t *testing.T) {
	for _, address := range []string{
		"$JS.ACK.CHAT.normalise.1.20.3.1700000000123456789.5",
		"$JS.ACK._.hash.CHAT.normalise.1.20.3.1700000000123456789.5",
		"$JS.ACK.hub.hash.CHAT.normalise.2.18446744073709551615.3.1700000000123456789.5.token",
		"$JS.ACK.hub.hash.CHAT.normalise.2.20.3.1700000000123456789.5.token.more",
	} {
		want, err := (&nats.Msg{Reply: address, Sub: &nats.Subscription{}}).Metadata()
		if err != nil {
			t.Fatal(address, err)
		}
		n, ok := parseAckSubject(address)
		if !ok || n != [4]uint64{want.NumDelivered, want.Sequence.Stream, want.Sequence.Consumer, uint64(want.Timestamp.UnixNano())} {
			t.Errorf("%s: %v %v", address, n, ok)
		}
	}
	for _, address := range []string{
		"", "_INBOX.x.1", "$JS.ACK.", "$JS.ACK.CHAT.normalise.1.20.3.4", "$JS.ACK.a.CHAT.normalise.1.20.3.4.5",
		"$JS.ACK.CHAT.normalise.1.x.3.4.5", "$JS.ACK.CHAT.normalise.1..3.4.5", "$JS.ACK.CHAT.normalise.1.-2.3.4.5",
		"$JS.ACK.CHAT.normalise.1.18446744073709551616.3.4.5",
	} {
		if n, ok := parseAckSubject(address); ok {
			t.Errorf("%q: %v", address, n)
		}
	}
}
