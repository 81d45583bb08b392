SELECT thing_id, erased, kind IS NOT NULL, revision, sent_at, precision, zone, zone_assumed, author_key, author, author_name,
       deleted, deleted_at, accounts, incarnation, position
FROM agrichat.messages WHERE thing_id = ANY ($1) ORDER BY thing_id FOR UPDATE
