SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(channel_key)), toString(version), source, namespace, channel, lower(hex(sighting_id)), lower(hex(event_id)), lower(hex(thing_id)), account, removed)
FROM sightings FINAL
ORDER BY sighting_id
