-- intact: the columns are what the hash is of, as fact.Hash defines it; of a truncated row and of one without a hash nobody can say.
SELECT sighting_id, generation, token, counter, removed AS gone, content_hash, false AS truncated,
    content_hash = toFixedString('', 16) OR
    content_hash = toFixedString(substring(SHA256(concatWithSeparator(
        '\x1f', source, namespace, channel, UUIDNumToString(event_id), UUIDNumToString(thing_id), account, if(removed, 't', 'f'))), 1, 16), 16) AS intact
FROM sightings FINAL
WHERE sighting_id >= toFixedString(unhex({from:String}), 16) AND sighting_id <= toFixedString(unhex({to:String}), 16)
ORDER BY sighting_id
SETTINGS query_plan_execute_functions_after_sorting = 0 -- only the columns above are sorted, not those that the hash is of
