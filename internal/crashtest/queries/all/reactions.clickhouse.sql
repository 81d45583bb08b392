SELECT * FROM v_reactions WHERE NOT removed FORMAT JSONEachRow
