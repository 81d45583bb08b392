SELECT coalesce(range_agg(l.sequences * int8multirange(int8range(1, $2, '[]'))), '{}')::text
FROM agrichat.ledger l WHERE l.incarnation = $1
