SELECT count(*) FROM agrichat.events e WHERE e.incarnation = $1 AND e.position < $2
