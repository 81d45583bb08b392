-- Two names of one person: in one chat, messages under content keys that are equal in minute and text and differ in author.
WITH
    spoken AS
    (
        SELECT channel_key, author, intDiv(toUnixTimestamp64Micro(assumeNotNull(sent_at)), 60000000) AS minute, cityHash64(text) AS said, count() AS n
        FROM messages FINAL
        WHERE channel_key IN (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16)) AND kind IN ('message', 'action') AND NOT deleted AND text != ''
            AND sent_at IS NOT NULL AND precision >= 2 AND length(external_id) = 33 AND startsWith(external_id, 'k')
        GROUP BY channel_key, author, minute, said
    ),
    met AS
    (
        SELECT channel_key, arraySort(groupArray(32)((author, n))) AS authors FROM spoken
        GROUP BY channel_key, minute, said
        HAVING length(authors) BETWEEN 2 AND 4
    )
SELECT lower(hex(channel_key)) AS a, p.1.1 AS one, p.2.1 AS other, sum(least(p.1.2, p.2.2)) AS messages
FROM met
ARRAY JOIN arrayFlatten(arrayMap((x, i) -> arrayMap(y -> (x, y), arraySlice(authors, i + 1)), authors, arrayEnumerate(authors))) AS p
GROUP BY a, one, other
ORDER BY messages DESC, a, one, other
LIMIT 100
