INSERT INTO agrichat.identities (key, source, namespace, identity, changed, token)
SELECT k, s, n, i, 0, 0 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS u (k, s, n, i)
ON CONFLICT (key) DO NOTHING
