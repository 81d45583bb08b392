SELECT m.changed, m.token, c.key, c.source, c.namespace, c.channel, m.thing_id, m.identity_key, m.identity, m.name, m.state, m.at
FROM agrichat.memberships m JOIN agrichat.channels c ON c.key = m.channel_key
WHERE m.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR m.changed = ANY ($3))
