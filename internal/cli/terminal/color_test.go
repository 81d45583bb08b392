package terminal

import "testing"

func TestPainter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"TERM=xterm"}, "\x1b[36mx\x1b[0m"},
		{[]string{"TERM=xterm", "NO_COLOR="}, "\x1b[36mx\x1b[0m"}, // empty means nothing, says the convention
		{[]string{"TERM=xterm", "NO_COLOR=0"}, "x"},
		{[]string{"TERM=dumb"}, "x"},
		{[]string{"TERM=xterm", "TERM=dumb"}, "x"},
		{nil, "x"},
	} {
		if got := painter(c.env, cyan)("x"); got != c.want {
			t.Errorf("%q: got %q, want %q", c.env, got, c.want)
		}
	}
	if got := painter([]string{"TERM=xterm"}, cyan)(""); got != "" {
		t.Errorf("of nothing was made %q", got)
	}
}
