-- Messages of the chats that are equal in source, minute and text, by pairs of chats and of schemes of ids. keys: channel keys in hexadecimal,
-- which overlap_candidates found. asked: those of which one must be of a pair.
WITH
    spoken AS
    (
        SELECT source, channel_key, length(external_id) = 33 AND startsWith(external_id, 'k') AS keyed,
            intDiv(toUnixTimestamp64Micro(assumeNotNull(sent_at)), 60000000) AS minute, cityHash64(text) AS said, count() AS n
        FROM messages FINAL
        WHERE channel_key IN (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16))
            AND kind IN ('message', 'action') AND NOT deleted AND text != '' AND sent_at IS NOT NULL AND precision >= 2
        GROUP BY source, channel_key, keyed, minute, said
    ),
    met AS
    (
        SELECT arraySort(groupArray(32)((channel_key, keyed, n))) AS sides
        FROM spoken
        GROUP BY source, minute, said
        HAVING length(sides) BETWEEN 2 AND 32
    )
SELECT lower(hex(p.1.1)) AS a, p.1.2 AS a_keyed, lower(hex(p.2.1)) AS b, p.2.2 AS b_keyed, sum(least(p.1.3, p.2.3)) AS messages
FROM met
ARRAY JOIN arrayFlatten(arrayMap((x, i) -> arrayMap(y -> (x, y), arraySlice(sides, i + 1)), sides, arrayEnumerate(sides))) AS p
GROUP BY a, a_keyed, b, b_keyed
HAVING has({asked:Array(String)}, a) OR has({asked:Array(String)}, b)
ORDER BY messages DESC, a, b
LIMIT 100
