package hatest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// Line is one line of a process's log.
type Line struct {
	Time    time.Time
	Message string
	Host    string
	Fields  map[string]any
}

// readLog reads a log of JSON lines; what is none (a panic, a word of the runtime) is kept as a message without a time.
func readLog(host, file string) ([]Line, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the log of %s: %w", host, err)
	}
	var out []Line
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		l := Line{Host: host, Message: sc.Text()}
		var fields map[string]any
		if json.Unmarshal(sc.Bytes(), &fields) == nil {
			l.Fields = fields
			l.Message, _ = fields["msg"].(string)
			if text, ok := fields["time"].(string); ok {
				l.Time, _ = time.Parse(time.RFC3339Nano, text)
			}
		}
		out = append(out, l)
	}
	return out, sc.Err()
}

// number returns a field that holds a number, zero if there is none.
func (l *Line) number(name string) float64 {
	n, _ := l.Fields[name].(float64)
	return n
}

// those returns the lines with one of the messages (any, if none is named), at or after a moment, in the order of their times.
func those(lines []Line, from time.Time, messages ...string) []Line {
	var out []Line
	for _, l := range lines {
		if (len(messages) == 0 || slices.Contains(messages, l.Message)) && !l.Time.Before(from) {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return out
}

// longestGap returns the longest time between two moments that follow each other, and when it began. The last moment before
// from counts as the begin of the first.
func longestGap(moments []time.Time, from time.Time) (gap time.Duration, began time.Time) {
	sorted := slices.Clone(moments)
	slices.SortFunc(sorted, time.Time.Compare)
	var last time.Time
	for _, m := range sorted {
		if !last.IsZero() && m.After(from) && m.Sub(last) > gap {
			gap, began = m.Sub(last), last
		}
		last = m
	}
	return gap, began
}

// Row is what one run of a case came to. Times are in nanoseconds; what does not apply is left out.
type Row struct {
	Case     string         `json:"case"`
	Profile  string         `json:"profile"` // async, strict
	Run      int            `json:"run"`
	Said     uint64         `json:"said"`    // records of the source
	Lost     int            `json:"lost"`    // of its events, not on the bus or not in PostgreSQL
	Doubled  int            `json:"doubled"` // that a store has twice
	Stale    int            `json:"stale"`   // things that a store lacks, or holds otherwise than the source said
	Late     int            `json:"late"`    // commits of a worker under a token older than one that it had seen
	Gap      time.Duration  `json:"no_commit"`
	Publish  time.Duration  `json:"no_publish"`
	Shut     *time.Duration `json:"shut_after_delete,omitempty"`  // leader key deleted to the last worker's gate shut
	First    *time.Duration `json:"first_commit,omitempty"`       // new leader takes writes to the first commit under its token
	Filled   *time.Duration `json:"filled,omitempty"`             // new leader takes writes to the gate open
	Resumed  *time.Duration `json:"resumed_after_etcd,omitempty"` // etcd back and a leader writable to the next commit
	Holes    uint64         `json:"holes"`                        // sequences that were filled
	Tokens   int            `json:"tokens"`                       // new terms
	Paused   bool           `json:"paused"`                       // the gate was shut at all
	Broken   []string       `json:"broken,omitempty"`             // bounds that were not kept
	Examples []string       `json:"examples,omitempty"`           // of what is amiss
}
