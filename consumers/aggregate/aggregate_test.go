package aggregate_test

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/consumertest"
	"github.com/agrichat/agrichat/internal/ch"
)

//go:embed testdata/*.sql
var reads embed.FS

var everything = []string{
	"messages", "versions", "reactions", "memberships", "channels", "identities", "sightings",
	"v_messages", "v_versions", "v_reactions", "v_memberships", "v_seen_by", "v_by_hour", "v_by_day", "v_by_chat", "v_by_person",
}

// content reads every table and view.
func content(ctx context.Context, db *ch.DB) (map[string][][]string, error) {
	out := make(map[string][][]string)
	for _, name := range everything {
		sql, err := reads.ReadFile("testdata/" + name + ".sql")
		if err != nil {
			return nil, err
		}
		if out[name], err = readRows(ctx, db, string(sql)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

func readRows(ctx context.Context, db *ch.DB, sql string) ([][]string, error) {
	answer, err := db.Query(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	out := [][]string{}
	for answer.Next() {
		var line string
		if err := answer.Scan(&line); err != nil {
			return nil, err
		}
		values, err := plain(line)
		if err != nil {
			return nil, err
		}
		out = append(out, values)
	}
	return out, answer.Err()
}

func plain(line string) ([]string, error) {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	var values []any
	if err := dec.Decode(&values); err != nil {
		return nil, err
	}
	out := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
			out[i] = "NULL"
		case []any:
			var parts []string
			for _, p := range v {
				parts = append(parts, fmt.Sprint(p))
			}
			out[i] = "[" + strings.Join(parts, "|") + "]"
		default:
			out[i] = fmt.Sprint(v)
		}
	}
	return out, nil
}

func handler(t testing.TB, db aggregate.Inserter) *aggregate.Handler {
	t.Helper()
	h, err := aggregate.New(db, aggregate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestHandler_Handle_equalsModel is the promise: however the facts come, every table and every view says what the model says.
func TestHandler_Handle_equalsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			db := store(t)
			h := handler(t, db)
			deliveries := generate(t, seed, 60)
			r := rand.New(rand.NewPCG(seed, 99))
			all := append(append([]consumers.Delivery(nil), deliveries...), deliveries...)
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for len(all) > 0 {
				n := 1 + r.IntN(min(25, len(all)))
				if err := h.Handle(t.Context(), all[:n]); err != nil {
					t.Fatal(err)
				}
				all = all[n:]
			}
			got, err := content(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			want := modelOf(t, deliveries).tables()
			for _, name := range everything {
				if diff := cmp.Diff(want[name], got[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	consumertest.Run(t, consumertest.Suite{
		New: func(t *testing.T) consumertest.Subject {
			db := store(t)
			return consumertest.Subject{
				Handler: handler(t, db),
				State:   func(ctx context.Context) (any, error) { return content(ctx, db) },
			}
		},
		Deliveries: func(t *testing.T) []consumers.Delivery { return generate(t, 42, 12) },
		Broken: func(seq uint64) consumers.Delivery {
			data := []string{"{", `{"v":0}`, `{"v":1,"channel_key":"00","channels":[{}]}`,
				`{"v":1,"version":{"Counter":72057594037927936}}`}[seq%4]
			return consumers.Delivery{Sequence: seq, Data: []byte(data), Attempts: 1}
		},
	})
}
