-- $1: generation. What was published to a stream that is gone may never have come to ClickHouse: it is published again.
UPDATE agrichat.store SET republish_from = 1
WHERE generation = $1 AND EXISTS (SELECT 1 FROM agrichat.ledger)
