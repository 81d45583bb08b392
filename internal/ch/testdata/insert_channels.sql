INSERT INTO channels (
    key, version, source, name
)
