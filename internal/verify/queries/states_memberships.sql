-- $1 and $2 are taken for the sake of one form for all kinds.
SELECT s.thing_id, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL FROM agrichat.memberships s ORDER BY s.thing_id
