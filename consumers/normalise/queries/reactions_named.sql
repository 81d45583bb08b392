-- $1, $2: messages and emoji, side by side; $3: reactions that do not count. How many people of each are named.
SELECT t.message, t.emoji, count(*)
FROM unnest($1::uuid[], $2::text[]) AS t (message, emoji)
JOIN agrichat.reactions r ON r.message_id = t.message AND left(r.emoji, 100) = left(t.emoji, 100) AND r.emoji = t.emoji
WHERE r.person_key IS NOT NULL AND NOT r.removed AND r.thing_id <> ALL ($3::uuid[])
GROUP BY 1, 2
