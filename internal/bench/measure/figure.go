// Package measure takes measurements of servers and processes, and sums them up.
//
// It promises that they are the system's own: rows counted by the stores, processor time and memory as the kernel reports them. It
// starts nothing, and judges nothing but the goal that it was given.
package measure

import (
	"math"
	"slices"
)

// Figure is one thing that a benchmark measures, several times.
type Figure struct {
	Name  string `json:"name"` // by which scripts know it
	Title string `json:"title"`
	Unit  string `json:"unit"`
	How   string `json:"how"`            // it was measured
	Goal  *Goal  `json:"goal,omitempty"` // nil: it is reported, not judged

	Values  []float64 `json:"values"`            // a run each
	Control []float64 `json:"control,omitempty"` // the same once more in each run: what differs is the machine's noise

	Median float64  `json:"median"`
	Least  float64  `json:"least"`
	Most   float64  `json:"most"`
	Noise  *float64 `json:"noise,omitempty"` // how far the control's median is from the median, in parts of it
	Met    *bool    `json:"met,omitempty"`   // the median reaches the goal
}

// Goal is what a figure is to reach.
type Goal struct {
	Value float64 `json:"value"`
	Least bool    `json:"at_least"` // otherwise it may be this at most
}

// AtLeast is a goal that more is better for; AtMost one that less is.
func AtLeast(v float64) *Goal { return &Goal{Value: v, Least: true} }

// AtMost is the other kind.
func AtMost(v float64) *Goal { return &Goal{Value: v} }

// Sum works out what the values come to. A figure without values was not measured, and meets no goal.
func (f *Figure) Sum() {
	f.Median, f.Least, f.Most, f.Noise, f.Met = 0, 0, 0, nil, nil
	if len(f.Values) == 0 {
		return
	}
	f.Median, f.Least, f.Most = Quantile(f.Values, 0.5), slices.Min(f.Values), slices.Max(f.Values)
	if len(f.Control) > 0 && f.Median != 0 {
		d := Quantile(f.Control, 0.5)/f.Median - 1
		f.Noise = &d
	}
	if f.Goal != nil {
		met := f.Median <= f.Goal.Value
		if f.Goal.Least {
			met = f.Median >= f.Goal.Value
		}
		f.Met = &met
	}
}

// Quantile returns the value below which a part q of the values lies: the median of an even number is the mean of the two in
// the middle, every other quantile the next value that was measured. Nothing has a quantile of NaN.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); q == 0.5 && n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	at := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}
