SELECT sighting_id, generation, token, counter, removed AS gone
FROM sightings FINAL
WHERE sighting_id >= toFixedString(unhex({from:String}), 16) AND sighting_id <= toFixedString(unhex({to:String}), 16)
ORDER BY sighting_id
