-- +goose Up
-- What others may rely on: these names and columns stay. New columns are added at the end.

-- Every message in its current state; a deleted one keeps its text unless it was erased.
CREATE VIEW agrichat.v_messages AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, m.external_id, m.author, m.author_name, m.sent_at, m.kind,
       CASE WHEN m.erased THEN NULL ELSE m.text END AS text, m.edited_at, m.deleted_at, m.reply_to, m.revision,
       m.deleted, m.thread, m.action, m.links, m.hashtags, m.mentions, m.attachments, m.body, m.accounts,
       m.precision, m.zone, m.zone_assumed, m.incarnation, m.position, m.search, m.thing_id, m.channel_key, m.author_key
FROM agrichat.messages m
JOIN agrichat.channels c ON c.key = m.channel_key
WHERE m.kind IS NOT NULL;
COMMENT ON VIEW agrichat.v_messages IS
    'Messages in their current state. sent_at is NULL where the network gave no readable time; precision: 1 day, 2 minute, '
    '3 second, 4 millisecond, 5 microsecond. Order of messages of one instant: incarnation, position';

-- Who reacts with what now; a row without a person counts those whom the network did not name.
CREATE VIEW agrichat.v_reactions AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, r.target AS external_id, r.emoji, r.person, r.person_name,
       r.count, r.at AS reacted_at, r.thing_id, r.message_id, r.person_key
FROM agrichat.reactions r
JOIN agrichat.channels c ON c.key = r.channel_key
WHERE NOT r.removed;

-- Every state that a message was ever in: as first known, every edit, its deletion.
CREATE VIEW agrichat.v_versions AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, m.external_id, e.kind, e.revision,
       e.body ->> 'text' AS text, e.sent_at, (e.body -> 'edited' ->> 'at')::timestamptz AS edited_at,
       CASE WHEN e.kind = 'deletion' THEN e.sent_at END AS deleted_at,
       e.kind = 'message' AND e.revision = m.revision AS current,
       e.accounts, e.body, e.incarnation, e.position, e.event_id, e.thing_id
FROM agrichat.events e
JOIN agrichat.messages m ON m.thing_id = e.thing_id
JOIN agrichat.channels c ON c.key = e.channel_key
WHERE e.kind IN ('message', 'deletion');

-- Which accounts saw a message.
CREATE VIEW agrichat.v_seen_by AS
SELECT c.source, c.namespace, c.channel, m.external_id, a.account, m.thing_id
FROM agrichat.messages m
JOIN agrichat.channels c ON c.key = m.channel_key
CROSS JOIN LATERAL unnest(m.accounts) AS a (account)
WHERE m.kind IS NOT NULL;

-- Who is, or was, in which channel.
CREATE VIEW agrichat.v_memberships AS
SELECT c.source, c.namespace, c.channel, c.name AS channel_name, m.identity, m.name, m.state, m.at AS changed_at,
       m.thing_id, m.identity_key
FROM agrichat.memberships m
JOIN agrichat.channels c ON c.key = m.channel_key;

-- Files, a row each.
CREATE VIEW agrichat.v_attachments AS
SELECT c.source, c.namespace, c.channel, m.external_id, a.kind, a.name, a.path, a.sha256, a.url, a.mime, a.bytes, a.missing,
       m.thing_id
FROM agrichat.messages m
JOIN agrichat.channels c ON c.key = m.channel_key
CROSS JOIN LATERAL jsonb_to_recordset(m.attachments) AS a
    (kind text, name text, path text, sha256 text, url text, mime text, bytes bigint, missing text)
WHERE m.attachments IS NOT NULL;

-- Links, a row each.
CREATE VIEW agrichat.v_links AS
SELECT c.source, c.namespace, c.channel, m.external_id, l.url, m.thing_id
FROM agrichat.messages m
JOIN agrichat.channels c ON c.key = m.channel_key
CROSS JOIN LATERAL unnest(m.links) AS l (url)
WHERE m.kind IS NOT NULL;

-- The networks and workspaces that chats came from.
CREATE VIEW agrichat.v_sources AS
SELECT c.source, c.namespace, count(*) FILTER (WHERE c.channel <> '') AS channels
FROM agrichat.channels c
GROUP BY c.source, c.namespace;

-- Who there is on a network, as called now; person says who that is elsewhere, once somebody has said so.
CREATE VIEW agrichat.v_identities AS
SELECT i.source, i.namespace, i.identity, i.name, i.username, i.bot, p.name AS person, i.key AS identity_key, p.key AS person_key
FROM agrichat.identities i
LEFT JOIN agrichat.people p ON p.key = i.person;

-- +goose Down
-- Forward only.
