-- +goose Up
-- What an event's input left open and how it was settled (event.Reading): of two copies of one event it decides which stands. NULL: the
-- input said everything, or a program that did not keep it wrote the row.
ALTER TABLE agrichat.events ADD COLUMN reading jsonb;

-- A source that shows only the last version of a message invents no first one: its copy is hidden where there are others.
CREATE OR REPLACE VIEW agrichat.v_versions AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, m.external_id, e.kind, e.revision,
       e.body ->> 'text' AS text, e.sent_at, (e.body -> 'edited' ->> 'at')::timestamptz AS edited_at,
       CASE WHEN e.kind = 'deletion' THEN e.sent_at END AS deleted_at,
       e.kind = 'message' AND e.revision = m.revision AS current,
       agrichat.seen_by(e.thing_id, e.event_id, e.accounts) AS accounts, e.body, e.incarnation, e.position, e.event_id, e.thing_id
FROM agrichat.events e
JOIN agrichat.messages m ON m.thing_id = e.thing_id
JOIN agrichat.channels c ON c.key = e.channel_key
WHERE e.kind IN ('message', 'deletion')
  AND NOT (coalesce(e.reading @> '{"unversioned": true}', false) AND EXISTS (
      SELECT FROM agrichat.events o WHERE o.thing_id = e.thing_id AND o.kind = 'message' AND o.event_id <> e.event_id));

-- +goose Down
-- Forward only.
