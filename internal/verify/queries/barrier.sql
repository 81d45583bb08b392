-- The writers' lock, alone, until the transaction ends: every transaction that began before is over when this is had.
SELECT pg_advisory_xact_lock(x'6167726963686174'::bigint)
