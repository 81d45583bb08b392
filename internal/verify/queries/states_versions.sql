-- $1: incarnation, $2: position. The last column: whether the event is on the log below it.
SELECT s.event_id, s.changed, s.token, s.incarnation = $1 AND s.position < $2 FROM agrichat.events s ORDER BY s.event_id
