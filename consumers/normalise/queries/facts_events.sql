SELECT e.changed, e.token, e.channel_key, c.source, c.namespace, c.channel, e.event_id,
       e.thing_id, e.kind, e.revision, e.sent_at, e.position
FROM agrichat.events e JOIN agrichat.channels c ON c.key = e.channel_key
WHERE e.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR e.changed = ANY ($3))
