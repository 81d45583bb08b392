-- $1: the writers' lock, taken alone: who began to write before has ended. $2: how long to wait for it.
SELECT pg_advisory_xact_lock($1) FROM set_config('lock_timeout', $2, true)
