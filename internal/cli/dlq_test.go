package cli

import "testing"

// TestLineNumber holds that JSON counts the lines of a bundle as the text does.
func TestLineNumber(t *testing.T) {
	t.Parallel()
	for line, want := range []int{0, 2, 3} {
		if got := lineNumber(line); got != want {
			t.Errorf("line %d is %d, want %d", line, got, want)
		}
	}
}
