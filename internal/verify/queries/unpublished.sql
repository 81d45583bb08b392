-- $1: counter. How many transactions up to it have not told; one more while all facts are published again.
SELECT count(*) + (SELECT count(s.republish_from) FROM agrichat.store s)
FROM agrichat.ledger l WHERE l.facts_at IS NULL AND l.counter <= $1
