UPDATE agrichat.channels SET name = $2, type = $3, topic = $4, as_of = $5, event_id = $6, changed = $7, token = $8
WHERE key = $1
