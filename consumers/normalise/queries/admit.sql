-- $1: stream, $2: when it was created. The newest token, what the record knows of itself and of this stream (nothing is -1 and 0),
-- and when the server was started.
SELECT f.token, coalesce(s.generation, -1),
       coalesce((SELECT max(i.incarnation) FROM agrichat.incarnations i WHERE i.stream = $1 AND i.created = $2), 0),
       pg_postmaster_start_time()
FROM agrichat.fence f, agrichat.store s
