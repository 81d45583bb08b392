-- $1: the writers' lock. A statement of its own: what reads the token must begin after the wait for whoever raises it.
SELECT pg_advisory_xact_lock_shared($1)
