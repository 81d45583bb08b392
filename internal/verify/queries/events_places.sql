SELECT e.event_id, e.position FROM agrichat.events e WHERE e.incarnation = $1 AND e.position < $2 ORDER BY e.position
