package slack

import "testing"

func TestChannelName_Copies(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"x/beans.json":                   "beans",
		"x/beans (1).json":               "beans",
		"x/beans - Copy.json":            "beans",
		"beans/2021-03-01 (1).json":      "beans",
		"beans/2021-03-01 - Copy.json":   "beans",
		"beans/2021-03-01 copy.json":     "beans",
		"beans/messages (1).json":        "beans",
		"x/beans 2021-03-01 - Copy.json": "beans",
		"x/beans-2021-03-01 copy 2.json": "beans",
	} {
		if got := channelName(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
