-- $1: counter. Number of transactions up to it whose facts are not published; one more while all facts are republished.
SELECT count(*) + (SELECT count(s.republish_from) FROM agrichat.store s)
FROM agrichat.ledger l WHERE l.facts_at IS NULL AND l.counter <= $1
