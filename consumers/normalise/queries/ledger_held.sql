-- $1: incarnation; $2, $3: first and last sequence. Everything that was entered between them.
SELECT coalesce(range_agg(l.sequences * int8multirange(int8range($2, $3, '[]'))), '{}')::text
FROM agrichat.ledger l
WHERE l.incarnation = $1 AND l.sequences && int8multirange(int8range($2, $3, '[]'))
