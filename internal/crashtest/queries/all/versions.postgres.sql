SELECT (to_jsonb(v) - '{incarnation,position,search}'::text[])::text FROM agrichat.v_versions v
