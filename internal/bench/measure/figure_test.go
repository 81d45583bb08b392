package measure

import (
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct {
		of      []float64
		q, want float64
	}{
		{[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 1, 3, 2}, 0.5, 2.5}, {[]float64{7}, 0.5, 7}, {[]float64{7}, 0.99, 7},
		{hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1}, {[]float64{1, 9}, 0.99, 9},
	} {
		if got := Quantile(c.of, c.q); got != c.want {
			t.Errorf("quantile %v of %v is %v, want %v", c.q, c.of, got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the values were sorted where they stood")
	}
	if got := Quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("nothing has the median %v", got)
	}
}

func TestFigure_Sum(t *testing.T) {
	t.Parallel()
	f := Figure{Values: []float64{10, 30, 20}, Control: []float64{22, 21, 25}, Goal: AtLeast(20)}
	f.Sum()
	if f.Median != 20 || f.Least != 10 || f.Most != 30 || f.Noise == nil || math.Abs(*f.Noise-0.1) > 1e-9 || f.Met == nil || !*f.Met {
		t.Errorf("%+v", f)
	}
	for goal, want := range map[*Goal]bool{AtLeast(20.1): false, AtMost(20): true, AtMost(19.9): false} {
		f.Goal = goal
		f.Sum()
		if f.Met == nil || *f.Met != want {
			t.Errorf("%+v is met: %v", *goal, f.Met)
		}
	}
	none := Figure{Goal: AtMost(5)}
	if none.Sum(); none.Met != nil || none.Noise != nil {
		t.Errorf("what was not measured meets its goal: %+v", none)
	}
}
