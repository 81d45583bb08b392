package failpoint

import "testing"

// TestNew holds that a program without the tag dies nowhere, whatever its environment says.
func TestNew(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{nil, {"AGRICHAT_DIE_AT=committed"}, {"AGRICHAT_DIE_AT=committed:3", "AGRICHAT_SWEEP=off"}} {
		f := New(environ)
		if armed := len(environ) > 0 && enabled; (f != nil) != armed {
			t.Errorf("%q: armed %t, want %t", environ, f != nil, armed)
		}
		f.Reach("another point")
		if p := f.Prefixed("x."); (p == nil) != (f == nil) {
			t.Errorf("%q: a prefix arms or disarms it", environ)
		}
	}
	if SkipReconcile([]string{"AGRICHAT_SWEEP=off"}) != enabled || SkipReconcile([]string{"AGRICHAT_SWEEP=on"}) {
		t.Error("reconciliation is not skipped where it is to be")
	}
}

// TestFunc_Prefixed holds that the points of two parts have different names.
func TestFunc_Prefixed(t *testing.T) {
	t.Parallel()
	var got string
	Func(func(point string) { got = point }).Prefixed("normalise.")("handled")
	if got != "normalise.handled" {
		t.Errorf("the point is %q", got)
	}
}
