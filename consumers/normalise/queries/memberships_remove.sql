DELETE FROM agrichat.memberships WHERE thing_id = ANY ($1)
