SELECT key, generation, token, counter, false AS gone
FROM identities FINAL
WHERE key >= toFixedString(unhex({from:String}), 16) AND key <= toFixedString(unhex({to:String}), 16)
ORDER BY key
