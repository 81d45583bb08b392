SELECT i.changed, i.token, i.key, i.source, i.namespace, i.identity, i.name, i.username, i.bot
FROM agrichat.identities i
WHERE i.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR i.changed = ANY ($3))
