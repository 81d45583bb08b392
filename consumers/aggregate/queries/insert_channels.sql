INSERT INTO channels (
    key, version, source, namespace, channel, name, type, topic, content_hash, truncated
)
