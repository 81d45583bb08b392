-- The writers' lock, exclusive, until the transaction ends: every transaction that began before has ended when it is granted.
SELECT pg_advisory_xact_lock(x'6167726963686174'::bigint)
