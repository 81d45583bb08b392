-- $1: a new generation, $2: the one that it replaces, -1 for none. What was stored before is published again.
UPDATE agrichat.store
SET generation = $1, republish_from = CASE WHEN EXISTS (SELECT 1 FROM agrichat.ledger) THEN 1 END
WHERE coalesce(generation, -1) = $2
