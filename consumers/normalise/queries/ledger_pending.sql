-- Transactions whose facts are not published, and the age of the oldest.
SELECT count(*), coalesce(clock_timestamp() - min(written_at), '0'::interval) FROM agrichat.ledger WHERE facts_at IS NULL
