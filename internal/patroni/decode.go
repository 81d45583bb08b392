package patroni

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry is what etcd holds under a key.
type entry struct {
	value    string
	modified int64 // mod_revision
	lease    int64
}

const leaderKey = "leader"

// prefixOf is where Patroni keeps a cluster: like Patroni, it makes one slash of several.
func prefixOf(namespace, scope string) string {
	return "/" + strings.Join(strings.FieldsFunc(namespace+"/"+scope, isSlash), "/") + "/"
}

func isSlash(r rune) bool { return r == '/' }

// decode makes a view of the keys below the prefix. It is tolerant: what cannot be read is left out, and only that.
func decode(keys map[string]entry, revision int64) View {
	v := View{Revision: revision, Empty: len(keys) == 0, Members: map[string]Member{}}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		v.take(key, keys[key])
	}
	return v
}

func (v *View) take(key string, e entry) {
	switch key {
	case leaderKey:
		v.takeLeader(e)
	case "failover":
		v.Failover = decodeFailover(e.value)
	case "sync":
		v.Sync = decodeSync(e.value)
	case "config":
		v.Paused, v.TTL = decodeConfig(e.value)
	case "initialize":
		v.Initialize = strings.TrimSpace(e.value)
	case "history":
		v.Timeline = max(v.Timeline, decodeHistory(e.value))
	default:
		if name, ok := strings.CutPrefix(key, "members/"); ok && name != "" && !strings.Contains(name, "/") {
			m := decodeMember(e.value)
			v.Members[name] = m
			v.Timeline = max(v.Timeline, m.Timeline)
		}
	}
}

func (v *View) takeLeader(e entry) {
	if name := strings.TrimSpace(e.value); name != "" && e.modified > 0 {
		v.Leader, v.Token, v.Lease = name, uint64(e.modified), e.lease
	}
}

// object decodes a JSON object into v. A field of an unexpected type is left out, not the object.
func object(text string, v any) bool {
	var wrong *json.UnmarshalTypeError
	err := json.Unmarshal([]byte(text), v)
	return err == nil || errors.As(err, &wrong) && wrong.Field != ""
}

func decodeMember(text string) Member {
	var m struct {
		URL      string          `json:"conn_url"`
		State    string          `json:"state"`
		Role     string          `json:"role"`
		Version  string          `json:"version"`
		Timeline json.RawMessage `json:"timeline"`
	}
	if !object(text, &m) {
		return Member{}
	}
	if m.Role == "master" { // before version 4
		m.Role = "primary"
	}
	return Member{Address: address(m.URL), State: m.State, Role: m.Role, Timeline: timeline(m.Timeline), Version: m.Version}
}

// decodeFailover reads what Patroni resets to {} when it is done. An order that is there, with a time that cannot be read,
// counts as one for now: that shuts the gate too early rather than too late.
func decodeFailover(text string) *Failover {
	var f struct {
		Leader string `json:"leader"`
		Member string `json:"member"`
		At     string `json:"scheduled_at"`
	}
	if !json.Valid([]byte(text)) { // Patroni also takes leader:member
		f.Leader, f.Member, _ = strings.Cut(strings.TrimSpace(text), ":")
		f.Leader, f.Member = strings.TrimSpace(f.Leader), strings.TrimSpace(f.Member)
	} else if !object(text, &f) {
		return nil
	}
	if f.Leader == "" && f.Member == "" {
		return nil
	}
	return &Failover{From: f.Leader, To: f.Member, At: moment(f.At)}
}

// moment reads the ways in which ISO 8601 is written with a zone; without one Patroni does not take it either.
func moment(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

func decodeSync(text string) Sync {
	var s struct {
		Leader   string          `json:"leader"`
		Standbys json.RawMessage `json:"sync_standby"`
	}
	if !object(text, &s) {
		return Sync{}
	}
	var list string
	if json.Unmarshal(s.Standbys, &list) != nil {
		list = ""
	}
	names := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	return Sync{Leader: s.Leader, Standbys: names}
}

func decodeConfig(text string) (paused bool, ttl time.Duration) {
	var c struct {
		Pause any             `json:"pause"`
		TTL   json.RawMessage `json:"ttl"`
	}
	if !object(text, &c) {
		return false, 0
	}
	return truth(c.Pause), time.Duration(number(c.TTL, 1e6) * float64(time.Second))
}

// truth is Python's, which Patroni asks.
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// decodeHistory returns the timeline that began when the newest that is listed ended.
func decodeHistory(text string) uint32 {
	var lines [][]json.RawMessage
	if json.Unmarshal([]byte(text), &lines) != nil {
		return 0
	}
	newest := uint32(1)
	for _, line := range lines {
		if len(line) == 0 {
			continue
		}
		if ended := timeline(line[0]); ended < math.MaxUint32 {
			newest = max(newest, ended+1)
		}
	}
	return newest
}

func timeline(text json.RawMessage) uint32 { return uint32(number(text, math.MaxUint32)) }

// number reads a number, also one in quotes, from zero to most; anything else is zero.
func number(text json.RawMessage, most float64) float64 {
	n, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil || !(n >= 0 && n <= most) {
		return 0
	}
	return n
}
