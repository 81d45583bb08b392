COPY agrichat.events (
    event_id, thing_id, target_id, channel_key, kind, revision, author, sent_at, precision, zone, zone_assumed, reading,
    seen_at, body, content, raw, accounts, incarnation, position, changed, token
) FROM STDIN (FORMAT binary)
