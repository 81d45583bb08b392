SELECT s.changed, s.token, s.key, s.source, s.namespace, s.identity, s.name, s.username, s.bot
FROM agrichat.identities s
WHERE s.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR s.changed = ANY ($3))
