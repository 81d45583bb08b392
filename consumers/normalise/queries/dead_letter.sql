INSERT INTO agrichat.dead_letters (incarnation, position, event_id, subject, cause, state)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (incarnation, position) DO UPDATE
SET state = excluded.state, cause = CASE WHEN excluded.cause = '' THEN dead_letters.cause ELSE excluded.cause END, at = now()
