-- $1: incarnation, $2, $3: positions, both included.
SELECT e.event_id, e.incarnation, e.position, e.channel_key, (e.sent_at AT TIME ZONE 'UTC')::date
FROM agrichat.events e
WHERE e.incarnation = $1 AND e.position BETWEEN $2 AND $3
