package fact_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/fact"
)

// hashed returns the first fact of each list of a batch, and its hash.
func hashed(b *fact.Batch) (facts []reflect.Value, hashes []fact.Hash) {
	v := reflect.ValueOf(b).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() > 0 {
			facts = append(facts, f.Index(0))
			hashes = append(hashes, f.Index(0).FieldByName("Hash").Interface().(fact.Hash))
		}
	}
	return facts, hashes
}

// different returns another value for a field.
func different(t *testing.T, v reflect.Value) reflect.Value {
	t.Helper()
	switch v.Interface().(type) {
	case string:
		return reflect.ValueOf(v.String() + "0")
	case bool:
		return reflect.ValueOf(!v.Bool())
	case uint8, uint32, uint64:
		return reflect.ValueOf(v.Uint() - 1).Convert(v.Type())
	case []string:
		return reflect.ValueOf(append([]string{"another"}, v.Interface().([]string)...))
	case *time.Time:
		later := v.Interface().(*time.Time).Add(time.Microsecond)
		return reflect.ValueOf(&later)
	}
	t.Fatalf("a field is of type %s", v.Type())
	return v
}

// TestBatch_SetHashes: whatever a fact says is in its hash, and nothing else is.
func TestBatch_SetHashes(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)
	make := func() *fact.Batch {
		b := full()
		b.Messages[0].EditedAt = &at
		return b
	}
	whole := make()
	whole.SetHashes()
	facts, hashes := hashed(whole)
	for kind, f := range facts {
		for field := range f.NumField() {
			name := f.Type().Field(field).Name
			b := make()
			changed, _ := hashed(b)
			if name != "Hash" {
				changed[kind].Field(field).Set(different(t, changed[kind].Field(field)))
			}
			b.SetHashes()
			_, got := hashed(b)
			// The id of the thing itself is what the two sides are matched by.
			key := name == "Hash" || field == 0 && name != "Name"
			if same := got[kind] == hashes[kind]; same != key || got[kind].IsZero() {
				t.Errorf("%s with another %s: the hash is the same: %v", f.Type().Name(), name, same)
			}
		}
	}
	for name, change := range map[string]func(*fact.Batch){
		"source":    func(b *fact.Batch) { b.Source += "x" },
		"namespace": func(b *fact.Batch) { b.Namespace += "x" },
		"channel":   func(b *fact.Batch) { b.Channel += "x" },
	} {
		b := make()
		change(b)
		b.SetHashes()
		_, got := hashed(b)
		for kind := range got {
			identity := facts[kind].Type() == reflect.TypeFor[fact.Identity]() && name != "source"
			if same := got[kind] == hashes[kind]; same != identity {
				t.Errorf("%s of another %s: the hash is the same: %v", facts[kind].Type().Name(), name, same)
			}
		}
	}
	b := make()
	b.Version.Counter++
	b.RepublishID, b.Truncated = "y", true
	b.SetHashes()
	if _, got := hashed(b); !reflect.DeepEqual(got, hashes) {
		t.Error("the version is in the hash")
	}
}

// TestBatch_SetHashes_Golden: rows with these hashes stand in databases.
func TestBatch_SetHashes_Golden(t *testing.T) {
	t.Parallel()
	b := full()
	b.SetHashes()
	_, hashes := hashed(b)
	want := []string{"VbbB3BDQZ1YA8kqAzdVFkA", "fhMEAWd3jUBlCnWgR9hV-A", "3GWYzpyjZdZgDC4gipYXqQ", "lQjoMybWnwapCKdwOPknSQ",
		"MUIAfztuKfR5vvLdd925iQ", "XHWKObIZ4BsvJ3uqtrLefQ", "BMgeWw_mOd21rfCUaKwlgg"}
	for i, h := range hashes {
		if text, err := h.MarshalText(); err != nil || string(text) != want[i] {
			t.Errorf("the hash of fact %d is %s, not %s: %v", i, text, want[i], err)
		}
	}
}

// TestBatch_SetHashes_Range: times that ClickHouse cannot hold are as none.
func TestBatch_SetHashes_Range(t *testing.T) {
	t.Parallel()
	of := func(at *time.Time) fact.Hash {
		b := &fact.Batch{Memberships: []fact.Membership{{At: at}}}
		b.SetHashes()
		return b.Memberships[0].Hash
	}
	none := of(nil)
	for text, inside := range map[string]bool{
		"1899-12-31T23:59:59.999999Z": false, "1900-01-01T00:00:00Z": true, "1969-12-31T23:59:59.999999Z": true,
		"2261-12-31T23:59:59.999999Z": true, "2262-01-01T00:00:00Z": false,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := of(&at); (got != none) != inside {
			t.Errorf("%s is in the hash: %v", text, got != none)
		}
	}
}

func TestHash_Text(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := hashes().Draw(t, "hash")
		text, err := h.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back fact.Hash
		if err := back.UnmarshalText(text); err != nil || back != h || len(text) != 22 {
			t.Errorf("%s came back as %x: %v", text, back, err)
		}
	})
}
