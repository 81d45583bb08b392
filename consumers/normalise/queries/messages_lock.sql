SELECT thing_id, erased FROM agrichat.messages WHERE thing_id = ANY ($1) ORDER BY thing_id FOR UPDATE
