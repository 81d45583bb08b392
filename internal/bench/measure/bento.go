package measure

import (
	"context"
	_ "embed" // for the statements below
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.yaml.in/yaml/v3"
)

//go:embed queries/bento_table.sql
var bentoTableSQL string

//go:embed queries/bento_newest.sql
var bentoNewestSQL string

//go:embed queries/bento_count.sql
var bentoCountSQL string

// BentoStream is the stream that Bento publishes to and reads from.
const BentoStream = "BENTO"

// BentoSubject is where its messages go.
const BentoSubject = "bento.messages"

// BentoServers says where Bento's messages come from and go to.
type BentoServers struct {
	Lines string // the file
	NATS  string
	DSN   string
}

// What was tuned: publishing waits for an acknowledgement of every message, each of which is synced, so that as many as the
// server takes well are under way; rows go in batches, several at once, for each commit waits for the disk too.
const (
	bentoPublishing = 4096
	bentoBatch      = 2000
	bentoPeriod     = "200ms"
	bentoInserting  = 4
	bentoUnacked    = 32768 // above what the inserts hold: they would otherwise wait for the period
)

// BentoPublish is Bento's configuration from the file to the stream; it ends with the file.
func BentoPublish(s BentoServers) ([]byte, error) {
	return bentoConfig(map[string]any{
		"input": map[string]any{"file": map[string]any{"paths": []string{s.Lines}, "scanner": map[string]any{"lines": map[string]any{}}}},
		"output": map[string]any{"nats_jetstream": map[string]any{"urls": []string{s.NATS}, "subject": BentoSubject,
			"max_in_flight": bentoPublishing}},
	})
}

// BentoInsert is Bento's configuration from the stream to one table of PostgreSQL; it goes on until it is stopped.
func BentoInsert(s BentoServers) ([]byte, error) {
	return bentoConfig(map[string]any{
		"input": map[string]any{"nats_jetstream": map[string]any{"urls": []string{s.NATS}, "stream": BentoStream, "subject": BentoSubject,
			"durable": "bento", "deliver": "all", "ack_wait": "60s", "max_ack_pending": bentoUnacked}},
		"output": map[string]any{"sql_insert": map[string]any{"driver": "postgres", "dsn": s.DSN, "table": "bento_messages",
			"columns":       []string{"id", "sent", "author", "author_name", "reply_to", "text"},
			"args_mapping":  "root = [ this.id, this.sent, this.author, this.author_name, this.reply_to, this.text ]",
			"max_in_flight": bentoInserting, "conn_max_idle": bentoInserting, "batching": map[string]any{"count": bentoBatch, "period": bentoPeriod}}},
	})
}

// bentoConfig adds what is the same for both: its pages are off, and only errors are logged.
func bentoConfig(c map[string]any) ([]byte, error) {
	c["http"] = map[string]any{"enabled": false}
	c["logger"] = map[string]any{"level": "WARN"}
	b, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration of Bento: %w", err)
	}
	return b, nil
}

// MakeBentoTable makes the table that Bento fills.
func MakeBentoTable(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, bentoTableSQL); err != nil {
		return fmt.Errorf("making the table for Bento: %w", err)
	}
	return nil
}

// BentoHolds reports whether the table holds messages 1 to n. Only when the last is there are all counted, which costs the server
// more than inserting many.
func BentoHolds(ctx context.Context, pool *pgxpool.Pool, n int) (bool, error) {
	for _, sql := range []string{bentoNewestSQL, bentoCountSQL} {
		var have int
		if err := pool.QueryRow(ctx, sql).Scan(&have); err != nil {
			return false, fmt.Errorf("counting the rows of Bento: %w", err)
		}
		if have < n {
			return false, nil
		}
	}
	return true, nil
}
