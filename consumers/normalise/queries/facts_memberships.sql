SELECT s.changed, s.token, c.key, c.source, c.namespace, c.channel, s.thing_id, s.identity_key, s.identity, s.name, s.state,
    s.at
FROM agrichat.memberships s JOIN agrichat.channels c ON c.key = s.channel_key
WHERE s.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR s.changed = ANY ($3))
