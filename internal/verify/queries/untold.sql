-- $1: counter. How many transactions up to it have not told.
SELECT count(*) FROM agrichat.ledger l WHERE l.facts_at IS NULL AND l.counter <= $1
