SELECT thing_id, message_id, target, person_key, person, person_name, emoji, count, at, removed
FROM agrichat.reactions WHERE thing_id = ANY ($1)
