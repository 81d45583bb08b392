COPY agrichat.memberships (
    thing_id, channel_key, identity_key, identity, name, state, at, changed, token
) FROM STDIN (FORMAT binary)
