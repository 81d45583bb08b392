INSERT INTO agrichat.membership_words AS w (thing_id, event_id, state, name, at, sequence)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])
ON CONFLICT (thing_id, event_id, state, md5(name), at) DO UPDATE SET sequence = least(w.sequence, excluded.sequence)
