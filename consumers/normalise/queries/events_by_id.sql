SELECT event_id, thing_id, target_id, channel_key, kind, revision, author, sent_at, precision, zone, zone_assumed, reading, body, raw,
       accounts, incarnation, position
FROM agrichat.events WHERE event_id = ANY ($1)
