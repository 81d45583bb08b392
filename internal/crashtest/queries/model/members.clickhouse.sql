SELECT source AS Source, namespace AS Namespace, channel AS Channel, identity AS ID, CAST(state, 'String') AS State
FROM v_memberships
FORMAT JSONEachRow
