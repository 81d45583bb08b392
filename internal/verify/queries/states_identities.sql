-- $1 and $2 are taken for the sake of one form for all kinds. The last column: the hash of the fact (fact.Hash).
SELECT s.key, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL, substring(sha256(convert_to(concat_ws(
    E'\x1f', s.source, s.namespace, s.identity, s.name, s.username, s.bot), 'UTF8')) FOR 16)
FROM agrichat.identities s ORDER BY s.key
