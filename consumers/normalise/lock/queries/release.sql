-- $1: the lock of this session.
SELECT pg_advisory_unlock($1)
