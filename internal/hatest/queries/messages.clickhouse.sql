SELECT external_id, text, deleted_at IS NOT NULL AS gone, edited_at IS NOT NULL AS corrected
FROM v_messages WHERE source = 'load' AND namespace = {run:String}
