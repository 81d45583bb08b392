-- intact: the columns are what the hash is of, as fact.Hash defines it; of a truncated row and of one without a hash nobody can say.
SELECT event_id, generation, token, counter, false AS gone, content_hash, false AS truncated,
    content_hash = toFixedString('', 16) OR
    content_hash = toFixedString(substring(SHA256(concatWithSeparator(
        '\x1f', source, namespace, channel, UUIDNumToString(thing_id), kind, revision,
        ifNull(toString(toUnixTimestamp64Micro(sent_at)), ''), toString(position))), 1, 16), 16) AS intact
FROM versions FINAL
WHERE event_id >= toFixedString(unhex({from:String}), 16) AND event_id <= toFixedString(unhex({to:String}), 16)
ORDER BY event_id
SETTINGS query_plan_execute_functions_after_sorting = 0 -- only the columns above are sorted, not those that the hash is of
