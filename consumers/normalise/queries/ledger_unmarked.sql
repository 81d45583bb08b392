-- $1: how old, so that those who are just telling are left alone.
SELECT counter, token FROM agrichat.ledger
WHERE facts_at IS NULL AND written_at <= clock_timestamp() - $1::interval
ORDER BY counter LIMIT 64
