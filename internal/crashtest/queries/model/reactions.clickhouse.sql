SELECT
    source AS Source, namespace AS Namespace, channel AS Channel, external_id AS ID,
    person AS Person, emoji AS Emoji, toInt32(count) AS Count
FROM v_reactions
WHERE NOT removed
FORMAT JSONEachRow
