SELECT e.event_id, e.incarnation, e.position, c.source, c.namespace, c.channel, (e.sent_at AT TIME ZONE 'UTC')::date
FROM agrichat.events e JOIN agrichat.channels c ON c.key = e.channel_key
WHERE e.event_id = ANY ($1)
