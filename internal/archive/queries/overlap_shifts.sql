-- The same messages at two times: in one chat, texts under content keys that one author wrote exactly twice, or two authors once each and nobody
-- else, a whole number of quarter hours and at most 26 hours apart. One distance that is that of most of them is a phone or a computer that moved
-- to another zone; where summer time began in one of the zones and not in the other, there are further ones, an hour or half of one
-- away from it. Within one minute it is none: each export was read in its own zone, or one is a log of what was collected live too; a person
-- seldom writes the same twice in a minute, and two who do are one person under two names, which is found by that.
WITH
    spoken AS
    (
        SELECT channel_key, author, text, intDiv(toUnixTimestamp64Micro(assumeNotNull(sent_at)), 60000000) * 60 AS second
        FROM messages FINAL
        WHERE channel_key IN (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16)) AND kind IN ('message', 'action') AND NOT deleted AND text != ''
            AND sent_at IS NOT NULL AND precision >= 2 AND length(external_id) = 33 AND startsWith(external_id, 'k')
    ),
    twice AS
    (
        SELECT channel_key, groupArray(2)(second) AS at FROM spoken GROUP BY channel_key, author, text HAVING count() = 2
        UNION ALL
        SELECT channel_key, groupArray(2)(second) AS at FROM spoken
        GROUP BY channel_key, text
        HAVING count() = 2 AND uniqExact(author) = 2 AND at[1] != at[2]
    )
SELECT lower(hex(channel_key)) AS a, toInt64(abs(at[2] - at[1])) AS seconds, count() AS messages,
    intDiv(min(least(at[1], at[2])), 60), intDiv(max(greatest(at[1], at[2])), 60)
FROM twice
WHERE seconds <= 93600 AND seconds % 900 = 0
GROUP BY a, seconds
HAVING messages >= if(seconds = 0, 3, 2)
ORDER BY messages DESC, a, seconds
LIMIT 100 BY a
LIMIT 10000
