INSERT INTO memberships (
    channel_key, version, source, namespace, channel, thing_id, identity_key, identity, name, state, at, content_hash,
    truncated
)
