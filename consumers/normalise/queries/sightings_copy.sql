COPY agrichat.sightings (
    channel_key, sighting_id, event_id, thing_id, account, removed, changed, token
) FROM STDIN (FORMAT binary)
