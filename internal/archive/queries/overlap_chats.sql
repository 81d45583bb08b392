-- Chats that may hold the same messages under other ids: those of one name, and those with both ids and content keys. keys: channel keys in
-- hexadecimal, at least one chat of each pair is among them.
WITH
    asked AS (SELECT source, lowerUTF8(name) AS called FROM channels FINAL WHERE has({keys:Array(String)}, lower(hex(key))) AND name != ''),
    named AS
    (
        SELECT key, if(name = '', lower(hex(key)), lowerUTF8(name)) AS called FROM channels FINAL
        WHERE (source, lowerUTF8(name)) IN (SELECT source, called FROM asked GROUP BY source, called)
            OR has({keys:Array(String)}, lower(hex(key)))
    ),
    spoken AS
    (
        SELECT source, called, channel_key, match(external_id, '^k[0-9a-f]{32}$') AS keyed,
            intDiv(toUnixTimestamp64Micro(assumeNotNull(sent_at)), 60000000) AS minute, cityHash64(text) AS said, count() AS n
        FROM messages AS m FINAL
        INNER JOIN named ON named.key = m.channel_key
        WHERE m.channel_key IN (SELECT key FROM named) AND kind IN ('message', 'action') AND NOT deleted AND text != '' AND sent_at IS NOT NULL AND precision >= 2
        GROUP BY source, called, channel_key, keyed, minute, said
    ),
    met AS
    (
        SELECT arraySort(groupArray(32)((channel_key, keyed, n))) AS places FROM spoken
        GROUP BY source, called, minute, said
        HAVING length(places) BETWEEN 2 AND 8
    )
SELECT lower(hex(p.1.1)) AS a, p.1.2 AS a_keyed, lower(hex(p.2.1)) AS b, p.2.2 AS b_keyed, sum(least(p.1.3, p.2.3)) AS messages
FROM met
ARRAY JOIN arrayFlatten(arrayMap((x, i) -> arrayMap(y -> (x, y), arraySlice(places, i + 1)), places, arrayEnumerate(places))) AS p
WHERE has({keys:Array(String)}, a) OR has({keys:Array(String)}, b)
GROUP BY a, a_keyed, b, b_keyed
ORDER BY messages DESC, a, b
LIMIT 100
