-- $1: stream, $2: when it was created, $3: the number that was found wanting, 0 if none. A new one, unless somebody else was
-- quicker.
INSERT INTO agrichat.incarnations (incarnation, stream, created)
SELECT coalesce(max(i.incarnation), 0) + 1, $1, $2::timestamptz FROM agrichat.incarnations i
HAVING coalesce(max(i.incarnation) FILTER (WHERE i.stream = $1 AND i.created = $2), 0) = $3::int
