-- $1: the writers' lock, alone: what was begun before has ended, and what begins later waits for the new token.
SELECT pg_advisory_xact_lock($1)
