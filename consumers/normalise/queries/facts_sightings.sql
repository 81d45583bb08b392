SELECT s.changed, s.token, c.key, c.source, c.namespace, c.channel, s.sighting_id, s.event_id, s.thing_id, s.account, s.removed
FROM agrichat.sightings s JOIN agrichat.channels c ON c.key = s.channel_key
WHERE s.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR s.changed = ANY ($3))
