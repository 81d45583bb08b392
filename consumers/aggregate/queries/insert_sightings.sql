INSERT INTO sightings (
    channel_key, version, source, namespace, channel, sighting_id, event_id, thing_id, account, removed, content_hash
)
