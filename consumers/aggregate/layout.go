package aggregate

import "github.com/agrichat/agrichat/internal/fact"

// The columns of each table, the statements that insert into it and what fills a row are generated (rows_gen.go, queries/insert_*.sql):
// they follow from the fields of the facts. Columns that are computed from a fact are declared here.

func col(name, kind string) column { return column{name: name, kind: kind} }

// derivedMessage are columns of messages that are computed from the text.
type derivedMessage struct {
	Characters uint32 `json:"characters"`
	Words      uint32 `json:"words"`
}

func deriveMessage(m *fact.Message) (d derivedMessage) {
	d.Characters, d.Words = measure(m.Text)
	return d
}
