-- Who has held the writers' lock for longest, and for how long its transaction has been open.
SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND l.classid = x'61677269'::bigint::oid AND l.objid = x'63686174'::bigint::oid AND l.objsubid = 1 AND l.granted AND l.pid <> pg_backend_pid()
ORDER BY a.xact_start NULLS LAST
LIMIT 1
