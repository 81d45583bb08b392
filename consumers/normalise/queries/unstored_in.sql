-- $1: incarnation, $2: sequences. Which of them were removed from the stream before they were stored.
SELECT coalesce(range_agg(u.sequences) * $2::text::int8multirange, '{}')::text
FROM agrichat.unstored_sequences u WHERE u.incarnation = $1
