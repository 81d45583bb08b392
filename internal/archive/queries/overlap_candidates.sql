-- Chats that may hold the same messages under other ids: those whose name contains the name of one of keys or is contained in it, and those of keys with
-- both ids and content keys, and those that share content keys with one of keys: the same chat under another name, channel or account. Of each
-- chat the lowest keys are compared: a random sample, for they are hashes. A chat without a name goes by its id, which is the folder's name where there was no list of channels. keys: channel keys in hexadecimal.
WITH
    asked AS (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16) AS key),
    named AS (SELECT key, source, lowerUTF8(if(name = '', channel, name)) AS called FROM channels FINAL WHERE lengthUTF8(called) >= 3),
    alike AS
    (
        SELECT [a.key, b.key] AS same
        FROM (SELECT * FROM named WHERE key IN asked) AS a
        INNER JOIN named AS b ON a.source = b.source
        WHERE a.key != b.key AND (position(a.called, b.called) > 0 OR position(b.called, a.called) > 0)
    ),
    sample AS
    (
        SELECT external_id AS id FROM messages
        WHERE channel_key IN (SELECT key FROM asked) AND length(external_id) = 33 AND startsWith(external_id, 'k')
        ORDER BY external_id LIMIT 64 BY channel_key
    ),
    shared AS
    (
        SELECT groupUniqArray(32)(channel_key) AS same FROM messages
        WHERE length(external_id) = 33 AND external_id IN (SELECT id FROM sample)
        GROUP BY source, external_id
        HAVING length(same) > 1
    )
SELECT DISTINCT lower(hex(key)) AS k
FROM
(
    SELECT arrayJoin(same) AS key FROM alike
    UNION ALL
    SELECT arrayJoin(same) FROM shared
    UNION ALL
    SELECT channel_key FROM messages
    WHERE channel_key IN (SELECT key FROM asked) AND kind IN ('message', 'action')
    GROUP BY channel_key
    HAVING uniqUpTo(2)(length(external_id) = 33 AND startsWith(external_id, 'k')) > 1
)
ORDER BY k
