INSERT INTO agrichat.channels (key, source, namespace, channel, changed, token)
SELECT k, s, n, c, 0, 0 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS u (k, s, n, c)
WHERE NOT EXISTS (SELECT FROM agrichat.channels o WHERE o.key = u.k)
ON CONFLICT (key) DO NOTHING
