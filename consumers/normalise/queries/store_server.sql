-- What the store knows of its server, what the server says now, and the newest counter that was allocated.
SELECT coalesce(s.system_id, ''), coalesce(s.timeline, ''), coalesce(s.server_token, -1),
       left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
       has_function_privilege('pg_catalog.pg_control_system()', 'execute'),
       CASE WHEN c.is_called THEN c.last_value ELSE 0 END
FROM agrichat.store s, agrichat.ledger_counter c
