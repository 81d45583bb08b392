UPDATE agrichat.identities i
SET name = u.name, as_of = u.as_of, username = u.username, username_as_of = u.username_as_of, bot = u.bot, changed = $7, token = $8
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::boolean[])
    AS u (key, name, as_of, username, username_as_of, bot)
WHERE i.key = u.key
