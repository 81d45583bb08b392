-- $1: stream, $2: when it was created. The latest number that it was given.
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('agrichat.incarnations', 0)))
SELECT max(i.incarnation) FROM locked LEFT JOIN agrichat.incarnations i ON i.stream = $1 AND i.created = $2
