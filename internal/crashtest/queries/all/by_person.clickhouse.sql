SELECT * FROM v_by_person FORMAT JSONEachRow
