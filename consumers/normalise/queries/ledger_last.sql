-- $1: incarnation. The highest entered event, to see whether it still stands in the stream.
SELECT last_seq, last_event FROM agrichat.ledger
WHERE incarnation = $1 AND last_event IS NOT NULL ORDER BY last_seq DESC LIMIT 1
