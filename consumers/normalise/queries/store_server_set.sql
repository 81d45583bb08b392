-- $1: system identifier, $2: timeline, $3: token.
UPDATE agrichat.store SET system_id = nullif($1, ''), timeline = $2, server_token = $3
WHERE (system_id, timeline, server_token) IS DISTINCT FROM (nullif($1, ''), $2, $3::bigint)
