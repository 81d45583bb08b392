-- $1, $2: counters and the tokens they were drawn under. A counter alone may have been given out again by another leader.
UPDATE agrichat.ledger l SET facts_at = clock_timestamp()
FROM unnest($1::bigint[], $2::bigint[]) AS told (counter, token)
WHERE l.counter = told.counter AND l.token = told.token AND l.facts_at IS NULL
