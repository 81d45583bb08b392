-- $1: all channels of the batch, $2: those that it tells of. Locked are the latter, and whatever has no counter yet.
SELECT key, name, type, topic, as_of, event_id, changed = 0 FROM agrichat.channels
WHERE key = ANY ($1) AND (key = ANY ($2) OR changed = 0) ORDER BY key FOR UPDATE
