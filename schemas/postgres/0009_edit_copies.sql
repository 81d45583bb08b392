-- +goose Up
-- The copy of an edit whose time was printed without a zone has a revision of its own: where it is read at the instant of a surer copy of the
-- same text, it is no version beside that one, as a copy that does not say whether it was edited is none.
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
      SELECT FROM agrichat.events o WHERE o.thing_id = e.thing_id AND o.kind = 'message' AND o.event_id <> e.event_id))
  AND NOT (coalesce(e.body @> '{"edited": {"assumed": true}}', false) AND e.revision <> m.revision AND EXISTS (
      SELECT FROM agrichat.events o WHERE o.thing_id = e.thing_id AND o.kind = 'message' AND o.event_id <> e.event_id
        AND o.body -> 'edited' ->> 'at' = e.body -> 'edited' ->> 'at' AND o.body ->> 'text' IS NOT DISTINCT FROM e.body ->> 'text'
        AND (o.revision > e.revision OR NOT coalesce(o.body @> '{"edited": {"assumed": true}}', false))));

-- +goose Down
-- Forward only.
