-- The views that others may rely on. They read FINAL and add up states, never differences, so redelivery, edits,
-- deletions and replay cannot make them wrong: no figure is kept that could be. A materialised view would count every
-- insert, the doubled ones too.
--
-- What is counted, everywhere the same:
--   messages    messages and actions that are not deleted
--   deleted     messages and actions that are
--   edited      those of messages whose text is not the first
--   service     what the network said, deleted or not; never in messages
--   unparsed    input that could not be read; never in messages
--   characters, words, people, first_at, last_at   of messages
--   reactions   that stand on messages now, however the people are known
-- A time of day is used where it is known: a message of which only the day is known has an hour of NULL.

CREATE VIEW IF NOT EXISTS v_messages /* ON CLUSTER */ AS
SELECT
    m.source AS source, m.namespace AS namespace, m.channel AS channel, c.name AS channel_name,
    m.external_id AS external_id, m.author AS author, m.author_name AS author_name, m.sent_at AS sent_at,
    m.kind AS kind, m.text AS text, m.edited_at AS edited_at, m.deleted_at AS deleted_at,
    nullIf(m.reply_to, '') AS reply_to, m.revision AS revision, m.deleted AS deleted, m.thread AS thread,
    m.forwarded AS forwarded, m.action AS action, m.media AS media, m.links AS links, m.hashtags AS hashtags,
    m.mentions AS mentions, m.accounts AS accounts, m.characters AS characters, m.words AS words,
    m.precision AS precision, m.zone_assumed AS zone_assumed, m.position AS position, m.channel_key AS channel_key,
    m.thing_id AS thing_id, m.author_key AS author_key
FROM messages AS m FINAL
LEFT ANY JOIN (SELECT key, name FROM channels FINAL) AS c ON c.key = m.channel_key
WHERE m.kind != '';

CREATE VIEW IF NOT EXISTS v_versions /* ON CLUSTER */ AS
SELECT
    v.source AS source, v.namespace AS namespace, v.channel AS channel, c.name AS channel_name,
    v.kind AS kind, v.revision AS revision, v.sent_at AS sent_at, v.position AS position,
    v.channel_key AS channel_key, v.thing_id AS thing_id, v.event_id AS event_id
FROM versions AS v FINAL
LEFT ANY JOIN (SELECT key, name FROM channels FINAL) AS c ON c.key = v.channel_key;

CREATE VIEW IF NOT EXISTS v_reactions /* ON CLUSTER */ AS
SELECT
    r.source AS source, r.namespace AS namespace, r.channel AS channel, c.name AS channel_name,
    r.target AS external_id, r.person AS person, r.person_name AS person_name, r.emoji AS emoji, r.count AS count,
    r.at AS at, r.removed AS removed, r.channel_key AS channel_key, r.message_id AS message_id, r.thing_id AS thing_id,
    r.person_key AS person_key
FROM reactions AS r FINAL
LEFT ANY JOIN (SELECT key, name FROM channels FINAL) AS c ON c.key = r.channel_key;

CREATE VIEW IF NOT EXISTS v_memberships /* ON CLUSTER */ AS
SELECT
    p.source AS source, p.namespace AS namespace, p.channel AS channel, c.name AS channel_name,
    p.identity AS identity, p.name AS name, p.state AS state, p.at AS at,
    p.channel_key AS channel_key, p.identity_key AS identity_key, p.thing_id AS thing_id
FROM memberships AS p FINAL
LEFT ANY JOIN (SELECT key, name FROM channels FINAL) AS c ON c.key = p.channel_key;

-- One row a message, with what the figures below add up. sent_us is sent_at in microseconds since 1970: min and max of a
-- DateTime64 before 1970 come out wrong where the server compiles the aggregation (seen with 26.7), those of a number do not.
CREATE VIEW IF NOT EXISTS v_figures /* ON CLUSTER */ AS
SELECT
    m.source AS source, m.namespace AS namespace, m.channel AS channel, m.channel_key AS channel_key,
    m.author_key AS author_key, m.author AS author, m.author_name AS author_name,
    m.sent_at AS sent_at, m.position AS position,
    toUnixTimestamp64Micro(m.sent_at) AS sent_us,
    toDate32(m.sent_at) AS day,
    if(m.precision >= 2, fromUnixTimestamp64Micro(sent_us - positiveModulo(sent_us, 3600000000), 'UTC'), NULL) AS hour,
    CAST(m.kind, 'String') IN ('message', 'action') AS spoken,
    spoken AND NOT m.deleted AS messages,
    spoken AND m.deleted AS deleted,
    messages AND (m.edited_at IS NOT NULL OR m.revision NOT IN ('', '0')) AS edited,
    CAST(m.kind, 'String') = 'service' AS service,
    CAST(m.kind, 'String') = 'unparsed' AS unparsed,
    if(messages, m.characters, 0) AS characters,
    if(messages, m.words, 0) AS words,
    if(messages, r.reactions, 0) AS reactions
FROM messages AS m FINAL
LEFT ANY JOIN
(
    SELECT channel_key, message_id, sum(count) AS reactions
    FROM reactions FINAL
    WHERE NOT removed
    GROUP BY channel_key, message_id
) AS r ON r.channel_key = m.channel_key AND r.message_id = m.thing_id
WHERE m.kind != '';

CREATE VIEW IF NOT EXISTS v_by_hour /* ON CLUSTER */ AS
SELECT
    f.source AS source, f.namespace AS namespace, f.channel AS channel, any(c.name) AS channel_name, f.hour AS hour,
    sum(f.messages) AS messages, sum(f.deleted) AS deleted, sum(f.edited) AS edited, sum(f.service) AS service,
    sum(f.unparsed) AS unparsed, sum(f.characters) AS characters, sum(f.words) AS words, sum(f.reactions) AS reactions,
    uniqExactIf(f.author_key, f.messages AND f.author_key != toFixedString('', 16)) AS people,
    fromUnixTimestamp64Micro(minIf(f.sent_us, f.messages), 'UTC') AS first_at,
    fromUnixTimestamp64Micro(maxIf(f.sent_us, f.messages), 'UTC') AS last_at
FROM v_figures AS f
LEFT ANY JOIN (SELECT key, name FROM channels FINAL) AS c ON c.key = f.channel_key
GROUP BY f.channel_key, f.source, f.namespace, f.channel, f.hour;

CREATE VIEW IF NOT EXISTS v_by_day /* ON CLUSTER */ AS
SELECT
    f.source AS source, f.namespace AS namespace, f.channel AS channel, any(c.name) AS channel_name, f.day AS day,
    sum(f.messages) AS messages, sum(f.deleted) AS deleted, sum(f.edited) AS edited, sum(f.service) AS service,
    sum(f.unparsed) AS unparsed, sum(f.characters) AS characters, sum(f.words) AS words, sum(f.reactions) AS reactions,
    uniqExactIf(f.author_key, f.messages AND f.author_key != toFixedString('', 16)) AS people,
    fromUnixTimestamp64Micro(minIf(f.sent_us, f.messages), 'UTC') AS first_at,
    fromUnixTimestamp64Micro(maxIf(f.sent_us, f.messages), 'UTC') AS last_at
FROM v_figures AS f
LEFT ANY JOIN (SELECT key, name FROM channels FINAL) AS c ON c.key = f.channel_key
GROUP BY f.channel_key, f.source, f.namespace, f.channel, f.day;

CREATE VIEW IF NOT EXISTS v_by_chat /* ON CLUSTER */ AS
SELECT
    f.source AS source, f.namespace AS namespace, f.channel AS channel, any(c.name) AS channel_name,
    any(c.type) AS channel_type,
    sum(f.messages) AS messages, sum(f.deleted) AS deleted, sum(f.edited) AS edited, sum(f.service) AS service,
    sum(f.unparsed) AS unparsed, sum(f.characters) AS characters, sum(f.words) AS words, sum(f.reactions) AS reactions,
    uniqExactIf(f.author_key, f.messages AND f.author_key != toFixedString('', 16)) AS people,
    fromUnixTimestamp64Micro(minIf(f.sent_us, f.messages), 'UTC') AS first_at,
    fromUnixTimestamp64Micro(maxIf(f.sent_us, f.messages), 'UTC') AS last_at
FROM v_figures AS f
LEFT ANY JOIN (SELECT key, name, type FROM channels FINAL) AS c ON c.key = f.channel_key
GROUP BY f.channel_key, f.source, f.namespace, f.channel;

-- A person is an identity on a network; what nobody is named for is left out. namespace is that of the identity. The name
-- is the one that the network gives now, or else the one on the latest message.
CREATE VIEW IF NOT EXISTS v_by_person /* ON CLUSTER */ AS
SELECT
    f.source AS source, if(any(i.key) = f.author_key, any(i.namespace), min(f.namespace)) AS namespace,
    any(f.author) AS person,
    if(any(i.name) != '', any(i.name), argMax(f.author_name, (ifNull(f.sent_at, toDateTime64(0, 6, 'UTC')), f.position))) AS person_name,
    any(i.bot) AS bot, f.author_key AS person_key,
    sum(f.messages) AS messages, sum(f.deleted) AS deleted, sum(f.edited) AS edited, sum(f.service) AS service,
    sum(f.unparsed) AS unparsed, sum(f.characters) AS characters, sum(f.words) AS words, sum(f.reactions) AS reactions,
    uniqExactIf(f.channel_key, f.messages) AS chats,
    fromUnixTimestamp64Micro(minIf(f.sent_us, f.messages), 'UTC') AS first_at,
    fromUnixTimestamp64Micro(maxIf(f.sent_us, f.messages), 'UTC') AS last_at
FROM v_figures AS f
LEFT ANY JOIN (SELECT key, namespace, name, bot FROM identities FINAL) AS i ON i.key = f.author_key
WHERE f.author_key != toFixedString('', 16)
GROUP BY f.author_key, f.source;
