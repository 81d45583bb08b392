-- $1: the writers' lock. Ends our own sessions that hold it and do not come to an end: their transactions are of an older
-- token, and whoever began them may be frozen. Waits for them up to a second each.
SELECT count(*) FILTER (WHERE pg_terminate_backend(l.pid, 1000))
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid() AND a.usename = current_user
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND l.classid::bigint = $1::bigint >> 32 AND l.objid::bigint = $1::bigint & 4294967295 AND l.objsubid = 1
