-- Placeholders without an event about them or referring to them.
SELECT m.thing_id FROM agrichat.messages m
WHERE m.kind IS NULL
  AND NOT EXISTS (SELECT FROM agrichat.events e WHERE e.thing_id = m.thing_id)
  AND NOT EXISTS (SELECT FROM agrichat.events e WHERE e.target_id = m.thing_id)
LIMIT $1
