INSERT INTO agrichat.membership_words AS w (thing_id, event_id, state, name, at, position)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])
ON CONFLICT (thing_id, event_id, state, md5(name), at) DO UPDATE SET position = least(w.position, excluded.position)
