SELECT event_id, generation, token, counter, false AS gone
FROM versions FINAL
WHERE event_id >= toFixedString(unhex({from:String}), 16) AND event_id <= toFixedString(unhex({to:String}), 16)
ORDER BY event_id
