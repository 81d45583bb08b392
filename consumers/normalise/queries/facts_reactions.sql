SELECT s.changed, s.token, c.key, c.source, c.namespace, c.channel, s.thing_id, s.message_id, s.target, s.person_key, s.person,
    s.person_name, s.emoji, s.count, s.at, s.removed
FROM agrichat.reactions s JOIN agrichat.channels c ON c.key = s.channel_key
WHERE s.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR s.changed = ANY ($3))
