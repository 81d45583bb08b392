-- How many messages one side of an overlap has in a span of minutes, both included; and its own first and last minute.
WITH intDiv(toUnixTimestamp64Micro(assumeNotNull(sent_at)), 60000000) AS minute
SELECT countIf(minute BETWEEN {first:Int64} AND {last:Int64}), min(minute), max(minute)
FROM messages FINAL
WHERE channel_key = unhex({key:String}) AND kind IN ('message', 'action') AND NOT deleted AND text != '' AND sent_at IS NOT NULL AND precision >= 2
    AND (length(external_id) = 33 AND startsWith(external_id, 'k')) = ({keyed:UInt8} = 1)
    AND ({author:String} = '' OR author = {author:String})
