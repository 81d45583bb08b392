-- $1: the sweep's lock, held as long as the session; $2: how long the session may be idle.
SELECT pg_try_advisory_lock($1) FROM set_config('idle_session_timeout', $2, false)
