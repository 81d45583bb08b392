SELECT
    source AS Source, namespace AS Namespace, channel AS Channel, external_id AS ID,
    CAST(kind, 'String') AS Kind, text AS Text, ifNull(reply_to, '') AS Reply,
    ifNull(toUnixTimestamp(edited_at), 0) AS Edited,
    ifNull(toUnixTimestamp(deleted_at), 0) AS Deleted
FROM v_messages
FORMAT JSONEachRow
