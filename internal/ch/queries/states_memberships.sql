SELECT thing_id, generation, token, counter, false AS gone
FROM memberships FINAL
WHERE thing_id >= toFixedString(unhex({from:String}), 16) AND thing_id <= toFixedString(unhex({to:String}), 16)
ORDER BY thing_id
