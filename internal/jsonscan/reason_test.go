package jsonscan_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

func TestReason(t *testing.T) {
	const want = "reading: json: cannot unmarshal"
	for _, wording := range []string{"cannot", "unable to"} {
		if got := jsonscan.Reason(fmt.Errorf("reading: %w", errors.New("json: "+wording+" unmarshal"))); got != want {
			t.Errorf("got %q", got)
		}
	}
	var n int // whichever wording the decoder uses in this process
	const first = "json: cannot unmarshal JSON string into Go int"
	if got := jsonscan.Reason(json.Unmarshal([]byte(`"x"`), &n)); got != first {
		t.Errorf("got %q, want %q", got, first)
	}
}
