COPY agrichat.reactions (
    channel_key, thing_id, message_id, target, person_key, person, person_name, emoji, count, at, removed, changed, token
) FROM STDIN (FORMAT binary)
