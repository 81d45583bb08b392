package main

import (
	"strings"
	"testing"
)

const thingRow = "type ThingRow struct {\n\tRef\n\tID event.ThingID `pg:\"thing_id\" fact:\"ID\"`\n\tName string `pg:\"name\" fact:\"Name\"`\n\tBoss *[16]byte `pg:\"boss_key\" fact:\"Boss\"`\n" +
	"\tCount int32 `pg:\"count\" fact:\"Count\"`\n\tAt event.Instant `pg:\"at,precision,zone,zone_assumed\" fact:\"At,Precision,Assumed\"`\n\tRemoved bool `pg:\"removed\" fact:\"Removed\"`\n" +
	"\tTags []string `pg:\"tags\" fact:\"Tags\"`\n\tMood *string `pg:\"mood\" fact:\"Mood\"`\n\tText string `pg:\"text\" fact:\"Text\"`\n\tErased bool `pg:\"erased\" fact:\"-\"`\n\tBody json.RawMessage `pg:\"body\"`\n}\n"

func thingTable(t *testing.T) *rowTable {
	t.Helper()
	fields := strings.Replace(thing, "\tRemoved", "\tPrecision uint8 `json:\"precision\"`\n\tAssumed bool `json:\"assumed\"`\n\tRemoved", 1)
	r, err := rowOf(declare(t, thingRow), one(t, fields))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRowOf(t *testing.T) {
	if r, err := rowOf(declare(t, ""), one(t, thing)); r != nil || err != nil {
		t.Errorf("a kind without a row: %v, %v", r, err)
	}
	if _, err := rowOf(declare(t, strings.Replace(thingRow, "fact:\"Mood\"", "", 1)), one(t, thing)); err == nil || !strings.Contains(err.Error(), "Mood") {
		t.Errorf("a field of a fact that nothing fills: %v", err)
	}
}

func TestSource_copy(t *testing.T) {
	s := newSource("p")
	s.copy(thingTable(t))
	contains(t, s.buf.String(), "const thingColumns = 17", "func putThing(c *pg.Copy, r *projection.ThingRow, v rowVersion) { c.Row() c.UUID(r.Key) c.UUID(r.ID) c.Text(r.Name) "+
		"c.UUIDOrNull(r.Boss) c.Int32(r.Count) putInstant(c, r.At) c.Bool(r.Removed) c.Texts(r.Tags) c.TextOrNull(r.Mood) c.Text(r.Text) c.Bool(r.Erased) c.JSON(r.Body) v.put(c) }")
	contains(t, string(copyStatement(thingTable(t))), "COPY agrichat.things ( channel_key, thing_id, name, boss_key, count, at, precision, zone, zone_assumed, removed, tags, mood, "+
		"text, erased, body, changed, token ) FROM STDIN (FORMAT binary)")
}

func TestSource_scan(t *testing.T) {
	s := newSource("p")
	s.scan(thingTable(t))
	contains(t, s.buf.String(), "row.Scan(p.into(&iDColumn, &r.Name, &r.Boss, &r.Count, &atColumn, &precision, &r.At.Assumed, &r.Removed, &r.Tags, &r.Mood, &r.Text, &r.Erased)...)",
		"r.ID = iDColumn setAt(&r.At, atColumn) r.At.Precision = event.Precision(precision) return nil")
	contains(t, string(factsQuery(thingTable(t))), "c.channel, s.thing_id, s.name, s.boss_key, s.count, s.at, s.precision, s.zone_assumed, s.removed, s.tags, s.mood, s.text, s.erased FROM agrichat.things s JOIN")
}

func TestSource_fact(t *testing.T) {
	s := newSource("p")
	s.fact(thingTable(t))
	contains(t, s.buf.String(), "func (r *ThingRow) Fact() fact.Thing { return fact.Thing{ ID: r.ID.String(), Name: r.Name, Boss: keyText(r.Boss), Count: uint32(r.Count), "+
		"At: TimeOrNil(r.At), Precision: uint8(r.At.Precision), Assumed: r.At.Assumed, Removed: r.Removed, Tags: r.Tags, Mood: deref(r.Mood), Text: r.Text, } }")
}

func TestRowStatesQuery(t *testing.T) {
	contains(t, string(rowStatesQuery(thingTable(t))), `c.channel, s.name, coalesce(s.boss_key, '00000000-0000-0000-0000-000000000000'::uuid), s.count, `,
		`s.precision, s.zone_assumed, s.removed, array_to_string(s.tags, E'\x1e'), s.text)`,
		`|| CASE WHEN coalesce(s.mood, '') = '' THEN '' ELSE concat_ws(E'\x1f', '', 'mood', coalesce(s.mood, '')) END`)
}
