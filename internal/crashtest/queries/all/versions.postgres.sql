SELECT (to_jsonb(v) - '{incarnation,sequence,search}'::text[])::text FROM agrichat.v_versions v
