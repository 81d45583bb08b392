SELECT e.event_id, e.incarnation, e.position, e.channel_key, (e.sent_at AT TIME ZONE 'UTC')::date
FROM agrichat.events e
WHERE e.event_id = ANY ($1)
