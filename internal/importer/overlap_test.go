package importer

import (
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/archive"
)

// TestOverlapCheck_note holds that chats of two namespaces are not taken for two kinds of export of one account.
func TestOverlapCheck_note(t *testing.T) {
	t.Parallel()
	named := chatsByKey{"a": {Namespace: "telegram:ann", Channel: "user7"}, "b": {Namespace: "telegram:bob", Channel: "user8"},
		"c": {Namespace: "telegram:ann", Channel: "name:Farm"}}
	for other, want := range map[string]string{
		"b": `"user7" of telegram:ann and "user8" of telegram:bob: the exports of two accounts`,
		"c": `"user7" and "name:Farm": two kinds of export of one chat`,
		"d": `"user7" and a chat that was imported before: two kinds of export`,
	} {
		var o overlapCheck
		o.note(archive.Overlap{Kind: archive.OverlapIDs, Key: "a", Other: other, Messages: 3}, named)
		if got := o.found[0].Text; !strings.Contains(got, want) || o.messages != 3 {
			t.Errorf("%s: %q", other, got)
		}
	}
}
