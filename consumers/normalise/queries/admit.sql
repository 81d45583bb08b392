-- $1: the writers' lock. Shared: a controller that raises the token takes it alone.
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared($1))
SELECT f.token FROM agrichat.fence f, locked
