COPY agrichat.sightings (
    sighting_id, event_id, thing_id, channel_key, account, removed, changed, token
) FROM STDIN (FORMAT binary)
