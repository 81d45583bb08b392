COPY agrichat.reactions (
    thing_id, message_id, channel_key, target, person_key, person, person_name, emoji, count, at, removed,
    changed, token
) FROM STDIN (FORMAT binary)
