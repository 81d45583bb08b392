-- $1: how long to wait for a lock in this transaction.
SELECT set_config('lock_timeout', $1, true)
