INSERT INTO agrichat.incarnations (incarnation, stream, created)
SELECT coalesce(max(incarnation), 0) + 1, $1, $2 FROM agrichat.incarnations
RETURNING incarnation
