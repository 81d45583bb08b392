package cli_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

// TestVersion holds that the version is printed without a folder, a configuration or a server, by the command and by the flag.
func TestVersion(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if out := w.run(args...).want(0).out; !strings.HasPrefix(out, "agrichat ") || !strings.Contains(out, runtime.Version()) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v prints %q", args, out)
		}
	}
	var r struct{ Version, Go, Platform string }
	if err := json.Unmarshal([]byte(w.run("version", "--output", "json").want(0).out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Version == "" || r.Go != runtime.Version() || r.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("%+v", r)
	}
}
