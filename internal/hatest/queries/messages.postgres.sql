-- $1: the run
SELECT external_id, coalesce(text, ''), deleted_at IS NOT NULL, edited_at IS NOT NULL
FROM agrichat.v_messages WHERE source = 'load' AND namespace = $1
