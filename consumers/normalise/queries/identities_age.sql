-- Moves times on where the names are still those that were read; the count says how many rows were so.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[])
        AS u (key, name, as_of, username, username_as_of)
), locked AS MATERIALIZED (
    SELECT i.key FROM agrichat.identities i JOIN asked a USING (key)
    WHERE i.name = a.name AND i.username = a.username
    ORDER BY i.key FOR UPDATE OF i
), aged AS (
    UPDATE agrichat.identities i
    SET as_of = greatest(i.as_of, a.as_of), username_as_of = greatest(i.username_as_of, a.username_as_of)
    FROM asked a JOIN locked USING (key) WHERE i.key = a.key
)
SELECT count(*) FROM locked
