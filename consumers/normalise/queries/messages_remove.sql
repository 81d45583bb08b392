DELETE FROM agrichat.messages WHERE thing_id = ANY ($1)
