-- A transaction that changes nothing has nothing to tell: it counts as told.
INSERT INTO agrichat.ledger (counter, first_counter, incarnation, sequences, last_event, last_seq, token, facts, facts_at)
VALUES ($1, $1, $2, $3::text::int8multirange, $4, $5, $6, $7, CASE WHEN $7::int = 0 THEN clock_timestamp() END)
