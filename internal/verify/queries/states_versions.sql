-- $1: incarnation, $2: sequence. The last column: whether the event is on the log up to it.
SELECT s.event_id, s.changed, s.token, s.incarnation = $1 AND s.sequence <= $2 FROM agrichat.events s ORDER BY s.event_id
