SELECT * FROM v_memberships FORMAT JSONEachRow
