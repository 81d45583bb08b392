-- Chats that may hold the same messages under other ids: those that share a name with one of keys, and those of keys with both ids and
-- content keys. keys: channel keys in hexadecimal.
WITH
    asked AS (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16) AS key),
    named AS
    (
        SELECT source, lowerUTF8(name) AS called, groupArray(key) AS same FROM channels FINAL
        WHERE name != ''
        GROUP BY source, called
        HAVING length(same) > 1 AND hasAny(same, (SELECT groupArray(key) FROM asked))
    )
SELECT DISTINCT lower(hex(key)) AS k
FROM
(
    SELECT arrayJoin(same) AS key FROM named
    UNION ALL
    SELECT channel_key FROM messages
    WHERE channel_key IN (SELECT key FROM asked) AND kind IN ('message', 'action')
    GROUP BY channel_key
    HAVING uniqUpTo(2)(length(external_id) = 33 AND startsWith(external_id, 'k')) > 1
)
ORDER BY k
