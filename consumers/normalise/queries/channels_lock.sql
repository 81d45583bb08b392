-- $1: all channels of the batch, $2: those that it tells of. Locked are the latter, and whatever has no counter yet.
SELECT c.key, c.name, c.type, c.topic, c.as_of, c.event_id, e.reading, c.changed = 0
FROM agrichat.channels c LEFT JOIN agrichat.events e ON e.event_id = c.event_id
WHERE c.key = ANY ($1) AND (c.key = ANY ($2) OR c.changed = 0) ORDER BY c.key FOR UPDATE OF c
