-- +goose Up
-- Which accounts collected an event beside the one that stands in events.accounts: that of the copy at the lowest position. A row
-- here leaves the rows of the event and of its message as they are, so a second account costs a row and no rewriting.
CREATE TABLE agrichat.sightings (
    sighting_id uuid PRIMARY KEY,        -- hash of event and account
    event_id    uuid NOT NULL,
    thing_id    uuid NOT NULL,
    channel_key uuid NOT NULL,
    account     text NOT NULL,
    removed     boolean NOT NULL,        -- the account has come to stand in events.accounts
    changed     bigint NOT NULL,
    token       bigint NOT NULL
);
CREATE INDEX sightings_thing ON agrichat.sightings (thing_id);
CREATE INDEX sightings_changed ON agrichat.sightings USING brin (changed) WITH (pages_per_range = 32);

-- The accounts that saw a message, or one event of it; sorted, each once.
-- +goose StatementBegin
CREATE FUNCTION agrichat.seen_by(thing uuid, event uuid, accounts text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT a.account ORDER BY a.account), '{}')
    FROM (SELECT unnest($3) AS account
          UNION ALL
          SELECT s.account FROM agrichat.sightings s WHERE s.thing_id = $1 AND ($2 IS NULL OR s.event_id = $2) AND NOT s.removed) a
$$;
-- +goose StatementEnd

CREATE OR REPLACE VIEW agrichat.v_messages AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, m.external_id, m.author, m.author_name, m.sent_at, m.kind,
       CASE WHEN m.erased THEN NULL ELSE m.text END AS text, m.edited_at, m.deleted_at, m.reply_to, m.revision,
       m.deleted, m.thread, m.action, m.links, m.hashtags, m.mentions, m.attachments, m.body,
       agrichat.seen_by(m.thing_id, NULL, m.accounts) AS accounts,
       m.precision, m.zone, m.zone_assumed, m.incarnation, m.position, m.search, m.thing_id, m.channel_key, m.author_key
FROM agrichat.messages m
JOIN agrichat.channels c ON c.key = m.channel_key
WHERE m.kind IS NOT NULL;

CREATE OR REPLACE VIEW agrichat.v_versions AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, m.external_id, e.kind, e.revision,
       e.body ->> 'text' AS text, e.sent_at, (e.body -> 'edited' ->> 'at')::timestamptz AS edited_at,
       CASE WHEN e.kind = 'deletion' THEN e.sent_at END AS deleted_at,
       e.kind = 'message' AND e.revision = m.revision AS current,
       agrichat.seen_by(e.thing_id, e.event_id, e.accounts) AS accounts, e.body, e.incarnation, e.position, e.event_id, e.thing_id
FROM agrichat.events e
JOIN agrichat.messages m ON m.thing_id = e.thing_id
JOIN agrichat.channels c ON c.key = e.channel_key
WHERE e.kind IN ('message', 'deletion');

CREATE OR REPLACE VIEW agrichat.v_seen_by AS
SELECT c.source, c.namespace, c.channel, m.external_id, a.account, m.thing_id
FROM agrichat.messages m
JOIN agrichat.channels c ON c.key = m.channel_key
CROSS JOIN LATERAL unnest(agrichat.seen_by(m.thing_id, NULL, m.accounts)) AS a (account)
WHERE m.kind IS NOT NULL;

-- +goose Down
-- Forward only.
