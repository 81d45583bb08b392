-- $1: stream, $2: when it was created.
SELECT coalesce(max(i.incarnation), 0) FROM agrichat.incarnations i WHERE i.stream = $1 AND i.created = $2
