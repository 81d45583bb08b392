SELECT r.changed, r.token, c.key, c.source, c.namespace, c.channel, r.thing_id, r.message_id, r.target, r.person_key, r.person,
       r.person_name, r.emoji, r.count, r.at, r.removed
FROM agrichat.reactions r JOIN agrichat.channels c ON c.key = r.channel_key
WHERE r.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR r.changed = ANY ($3))
