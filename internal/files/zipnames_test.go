package files

import (
	"fmt"
	"testing"
)

func TestEvenly(t *testing.T) {
	t.Parallel()
	list := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for most, want := range map[int]string{3: "[0 4 8]", 5: "[0 2 4 6 8]", 9: "[0 2 4 6 8]", 10: "[0 1 2 3 4 5 6 7 8 9]", 99: "[0 1 2 3 4 5 6 7 8 9]"} {
		if got := fmt.Sprint(evenly(list, most)); got != want {
			t.Errorf("%d: %s, want %s", most, got, want)
		}
	}
}
