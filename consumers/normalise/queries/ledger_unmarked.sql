-- $1: how old, so that those who are just telling are left alone; $2: the counter after which to begin.
SELECT counter, token FROM agrichat.ledger
WHERE facts_at IS NULL AND written_at <= clock_timestamp() - $1::interval AND counter > $2
ORDER BY counter LIMIT 64
