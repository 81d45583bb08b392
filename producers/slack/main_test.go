package slack

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	exportUsers = `[
    {
        "id": "U0000ANNA", "team_id": "T00000FARM", "name": "anna.k", "real_name": "Anna Karlova", "updated": 1700000000,
        "profile": {"email": "anna@example.org", "phone": "555", "display_name": "Anna", "real_name": "Anna Karlova"}
    },
    {
        "id": "U0000BORIS", "team_id": "T00000FARM", "name": "boris", "is_bot": false, "profile": {"display_name": "", "real_name": "Boris"}
    },
    {
        "id": "U000ROBOT", "team_id": "T00000FARM", "name": "rain", "is_bot": true, "profile": {"real_name": "Rain Gauge"}
    },
    {
        "id": "USLACKBOT", "team_id": "T00000FARM", "name": "slackbot", "is_bot": false, "profile": {"real_name": "Slackbot"}
    },
    {
        "id": "U000GUEST0", "team_id": "T000OTHERS", "name": "guest", "profile": {"display_name": "Guest"}
    }
]`
	exportChannels = `[
    {
        "id": "C0000FIELD",
        "name": "field",
        "created": 1600000000,
        "creator": "U0000ANNA",
        "members": ["U0000ANNA", "U0000BORIS", "U0000ANNA"],
        "topic": {"value": "Rain &amp; shine", "creator": "U0000ANNA", "last_set": 1650000000},
        "purpose": {"value": "", "creator": "", "last_set": 0}
    },
    {
        "id": "C0000EMPTY",
        "name": "оранжерея",
        "created": 1600000001,
        "members": null
    }
]`
	exportDMs   = `[{"id":"D000000001","created":1600000002,"members":["U0000ANNA","U0000BORIS"]}]`
	exportMPIMs = `[{"id":"G000000MP1","name":"mpdm-anna.k--boris-1","created":1600000003,"members":["U0000ANNA"]}]`
)

// beside is what stands beside a day of a whole export.
func beside() map[string][]byte {
	return map[string][]byte{
		"../users.json": []byte(exportUsers), "../channels.json": []byte(exportChannels),
		"../dms.json": []byte(exportDMs), "../mpims.json": []byte(exportMPIMs),
	}
}

// dayOf makes a day's file of records, laid out as Slack does.
func dayOf(records ...string) []byte {
	var out []string
	for _, r := range records {
		r = strings.ReplaceAll(strings.TrimSpace(r), "\n", "\n    ")
		out = append(out, "    "+r)
	}
	return []byte("[\n" + strings.Join(out, ",\n") + "\n]\n")
}

// pretty lays a record of plain members out in lines, as Slack does.
func pretty(members ...string) string { return "{\n    " + strings.Join(members, ",\n    ") + "\n}" }

// said1 is a message of Anna's with further members.
func said1(ts, text string, more ...string) string {
	return pretty(append([]string{`"type": "message"`, `"user": "U0000ANNA"`, `"text": "` + text + `"`, `"ts": "` + ts + `"`}, more...)...)
}

func day(data []byte) producertest.Case {
	return producertest.Case{Path: "export/field/2024-05-01.json", Data: data, Beside: beside()}
}

func readCase(t *testing.T, c producertest.Case) []event.Event {
	t.Helper()
	return producertest.Events(producertest.Read(t, Definition(), c, nil))
}

// one1 reads a single record of a day and returns its first event.
func one1(t *testing.T, record string) *event.Event {
	t.Helper()
	all := readCase(t, day(dayOf(record)))
	if len(all) == 0 {
		t.Fatalf("nothing is made of %s", record)
	}
	return &all[0]
}

func message(t *testing.T, e *event.Event) *event.Message {
	t.Helper()
	m, ok := e.Body.(*event.Message)
	if !ok {
		t.Fatalf("a %s, not a message: %+v", e.Kind, e.Body)
	}
	return m
}

func confidence(path, data string) producers.Confidence {
	return Definition().Recognise(producertest.File(path, []byte(data)))
}
