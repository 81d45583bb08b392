-- intact: the columns are what the hash is of, as fact.Hash defines it; of a truncated row and of one without a hash nobody can say.
SELECT thing_id, generation, token, counter, deleted AS gone, content_hash, truncated,
    truncated OR content_hash = toFixedString('', 16) OR
    content_hash = toFixedString(substring(SHA256(concatWithSeparator(
        '\x1f', source, namespace, channel, external_id, kind, UUIDNumToString(author_key), author, author_name,
        ifNull(toString(toUnixTimestamp64Micro(sent_at)), ''), toString(precision), if(zone_assumed, 't', 'f'), revision,
        ifNull(toString(toUnixTimestamp64Micro(edited_at)), ''), if(deleted, 't', 'f'),
        ifNull(toString(toUnixTimestamp64Micro(deleted_at)), ''), reply_to, thread, if(forwarded, 't', 'f'), action,
        arrayStringConcat(media, '\x1e'), arrayStringConcat(links, '\x1e'), arrayStringConcat(hashtags, '\x1e'),
        arrayStringConcat(mentions, '\x1e'), arrayStringConcat(accounts, '\x1e'), toString(position), text)), 1, 16), 16) AS intact
FROM messages FINAL
WHERE thing_id >= toFixedString(unhex({from:String}), 16) AND thing_id <= toFixedString(unhex({to:String}), 16)
ORDER BY thing_id
SETTINGS query_plan_execute_functions_after_sorting = 0 -- only the columns above are sorted, not those that the hash is of
