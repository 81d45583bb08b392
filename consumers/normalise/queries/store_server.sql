-- What the store knows of its server, what the server says now, and the newest counter that was committed. The sequence does not
-- tell that: it skips some counters when the server restarts after a crash.
SELECT coalesce(s.system_id, ''), coalesce(s.timeline, ''), coalesce(s.server_token, -1),
       left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
       has_function_privilege('pg_catalog.pg_control_system()', 'execute'),
       coalesce((SELECT max(l.counter) FROM agrichat.ledger l), 0)
FROM agrichat.store s
