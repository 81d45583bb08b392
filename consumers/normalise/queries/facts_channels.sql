SELECT c.changed, c.token, c.key, c.source, c.namespace, c.channel, c.name, c.type, c.topic
FROM agrichat.channels c
WHERE c.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR c.changed = ANY ($3))
