SELECT thing_id, state, name, at FROM agrichat.memberships WHERE thing_id = ANY ($1) ORDER BY thing_id FOR UPDATE
