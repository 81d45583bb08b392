INSERT INTO identities (
    key, version, source, namespace, identity, name, username, bot, content_hash, truncated
)
