DELETE FROM agrichat.reactions WHERE thing_id = ANY ($1)
