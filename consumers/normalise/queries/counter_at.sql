-- $1: incarnation, $2: sequence. The lowest counter of a transaction that entered it or a later one.
SELECT coalesce(min(first_counter), 0) FROM agrichat.ledger
WHERE incarnation = $1 AND sequences && int8multirange(int8range($2, NULL, '[)'))
