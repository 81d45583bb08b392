COPY agrichat.memberships (
    channel_key, thing_id, identity_key, identity, name, state, at, changed, token
) FROM STDIN (FORMAT binary)
