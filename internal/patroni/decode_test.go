package patroni

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// golden returns the keys of a file in testdata: what a cluster holds, one key a line, as etcdctl would show it.
func golden(t testing.TB, name string) map[string]entry {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]entry{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			t.Fatalf("no value: %s", line)
		}
		keys[key] = entry{value: value, modified: 7, lease: 99}
	}
	return keys
}

func TestDecodeVersion3(t *testing.T) {
	t.Parallel()
	want := View{
		Revision: 12, Leader: "pg1", Token: 7, Lease: 99, TTL: 30 * time.Second, Initialize: "7710898555885171044", Timeline: 2,
		Members: map[string]Member{
			"pg1": {Address: "127.0.0.1:15431", State: "running", Role: "primary", Timeline: 2, Version: "3.0.4"},
			"pg2": {Address: "[fd00::2]:5432", State: "running", Role: "replica", Timeline: 1, Version: "3.0.4"},
		},
		Sync: Sync{Leader: "pg1", Standbys: []string{}},
	}
	if diff := cmp.Diff(want, decode(golden(t, "patroni3.txt"), 12)); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeVersion4(t *testing.T) {
	t.Parallel()
	want := View{
		Revision: 12, Leader: "pg3", Token: 7, Lease: 99, Paused: true, TTL: 20 * time.Second, Initialize: "7710898555885171044", Timeline: 5,
		Members: map[string]Member{
			"pg1": {Address: "pg1.example:5432", State: "streaming", Role: "replica", Timeline: 4, Version: "4.1.4"},
			"pg2": {State: "starting", Role: "replica", Version: "4.1.4"},
			"pg3": {Address: "pg3.example:6432", State: "running", Role: "primary", Timeline: 4, Version: "4.1.4"},
		},
		Failover: &Failover{From: "pg3", To: "pg1", At: time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)},
		Sync:     Sync{Leader: "pg3", Standbys: []string{"pg1", "pg2"}},
	}
	got := decode(golden(t, "patroni4.txt"), 12)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeNothing(t *testing.T) {
	t.Parallel()
	if v := decode(nil, 3); !v.Empty || v.Revision != 3 || v.Token != 0 {
		t.Errorf("%+v", v)
	}
}

// Each key in turn holds what cannot be read: all others are read as before.
func TestOneBadKeySpoilsNoOther(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "{", "[]", "null", "7", `"x"`, "\xff", `{"conn_url":7,"timeline":{},"leader":[],"ttl":[],"pause":null}`} {
		whole := reflect.ValueOf(decode(golden(t, "patroni4.txt"), 12))
		for key := range golden(t, "patroni4.txt") {
			keys := golden(t, "patroni4.txt")
			keys[key] = entry{value: bad, modified: 7, lease: 99}
			got := decode(keys, 12)
			changed := map[string]bool{}
			for i := range whole.NumField() {
				if !reflect.DeepEqual(whole.Field(i).Interface(), reflect.ValueOf(got).Field(i).Interface()) {
					changed[whole.Type().Field(i).Name] = true
				}
			}
			for name := range changed {
				if !strings.Contains(belongs(key), name) {
					t.Errorf("%s: %q changes %s", key, bad, name)
				}
			}
		}
	}
}

func belongs(key string) string {
	own := map[string]string{
		"leader": "Leader Token Lease", "failover": "Failover", "sync": "Sync", "config": "Paused TTL", "initialize": "Initialize",
		"history": "Timeline",
	}
	if strings.HasPrefix(key, "members/") {
		return "Members Timeline"
	}
	return own[key]
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for conn, want := range map[string]string{
		"postgres://10.0.0.1:5433/postgres":             "10.0.0.1:5433",
		"postgresql://u:p%40@pg1.example/db?sslmode=no": "pg1.example:5432",
		"postgres://[fd00::1]:6432/postgres":            "[fd00::1]:6432",
		"postgres://[fd00::1]/postgres":                 "[fd00::1]:5432",
		"postgres://fd00::1:5432/postgres":              "",
		"postgres://a:1,b:2/postgres":                   "",
		"postgres://a,b/postgres":                       "",
		"postgres:///postgres?host=/run/postgresql":     "",
		"postgres://a:0/":                               "",
		"postgres://a:70000/":                           "",
		"postgres://a:x/":                               "",
		"http://a:5432/":                                "",
		"a:5432":                                        "",
		"":                                              "",
	} {
		if got := address(conn); got != want {
			t.Errorf("%q is at %q, want %q", conn, got, want)
		}
	}
}

func TestDecodeFailover(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 8, 0, 0, 123456000, time.UTC)
	for text, want := range map[string]*Failover{
		``: nil, `{}`: nil, `null`: nil, ` `: nil, `{"leader":"","member":null}`: nil, `{"scheduled_at":"2026-11-22T08:00:00Z"}`: nil,
		`{"leader":"a","member":"b"}`: {From: "a", To: "b"},
		`{"member":"b"}`:              {To: "b"},
		`a:b`:                         {From: "a", To: "b"},
		`{"leader":"a","scheduled_at":"2026-11-22T09:00:00.123456+01:00"}`:       {From: "a", At: at},
		`{"leader":"a","scheduled_at":"2026-11-22 08:00:00.123456+00:00"}`:       {From: "a", At: at},
		`{"leader":"a","member":7,"scheduled_at":"2026-11-22T08:00:00.123456Z"}`: {From: "a", At: at},
		`{"leader":"a","scheduled_at":"tomorrow"}`:                               {From: "a"},
	} {
		if diff := cmp.Diff(want, decodeFailover(text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestDecodeSmallThings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint32{
		`[]`: 1, ``: 0, `{}`: 0, `[[1,2,"x"],[3,4,"y"],[2,4]]`: 4, `[[],["5"],[null],[-3]]`: 6, `[[4294967295]]`: 1, `[[1e99]]`: 1,
	} {
		if got := decodeHistory(text); got != want {
			t.Errorf("%s is of timeline %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		`{"pause":true}`: true, `{"pause":false}`: false, `{"pause":null}`: false, `{}`: false, `{"pause":1}`: true, `{"pause":0}`: false,
		`{"pause":"on","ttl":"x"}`: true,
	} {
		if got, _ := decodeConfig(text); got != want {
			t.Errorf("%s is paused: %v", text, got)
		}
	}
	if got := decodeSync(`{"leader":null,"sync_standby":null}`); got.Leader != "" || len(got.Standbys) != 0 {
		t.Errorf("%+v", got)
	}
	for _, c := range [][3]string{
		{"/service/", "main", "/service/main/"}, {"service", "/main/", "/service/main/"}, {"/", "main", "/main/"}, {"a//b", "c", "/a/b/c/"},
	} {
		if got := prefixOf(c[0], c[1]); got != c[2] {
			t.Errorf("%s and %s make %s", c[0], c[1], got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"patroni3.txt", "patroni4.txt"} {
		for key, e := range golden(f, file) {
			f.Add(key, e.value)
		}
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		keys := map[string]entry{key: {value: value, modified: 5, lease: 6}, "initialize": {value: "system"}}
		v := decode(keys, 9)
		if key != "initialize" && v.Initialize != "system" {
			t.Errorf("%s changes another", key)
		}
		if v.Token != 0 && (v.Leader == "" || v.Token != 5) || v.TTL < 0 || v.TTL > math.MaxInt64/2 {
			t.Errorf("%+v", v)
		}
		for _, m := range v.Members {
			if m.Address != "" && address("postgres://"+m.Address) != m.Address {
				t.Errorf("%q is no address", m.Address)
			}
		}
		if _, err := json.Marshal(v); err != nil {
			t.Error(err)
		}
	})
}
