SELECT * EXCEPT (position) FROM v_messages FORMAT JSONEachRow
