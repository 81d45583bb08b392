-- intact: the columns are what the hash is of, as fact.Hash defines it; of a truncated row and of one without a hash nobody can say.
SELECT key, generation, token, counter, false AS gone, content_hash, truncated,
    truncated OR content_hash = toFixedString('', 16) OR
    content_hash = toFixedString(substring(SHA256(concatWithSeparator(
        '\x1f', source, namespace, channel, name, type, topic)), 1, 16), 16) AS intact
FROM channels FINAL
WHERE key >= toFixedString(unhex({from:String}), 16) AND key <= toFixedString(unhex({to:String}), 16)
ORDER BY key
SETTINGS query_plan_execute_functions_after_sorting = 0 -- only the columns above are sorted, not those that the hash is of
