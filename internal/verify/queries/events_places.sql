SELECT e.event_id, e.sequence FROM agrichat.events e WHERE e.incarnation = $1 AND e.sequence <= $2 ORDER BY e.sequence
