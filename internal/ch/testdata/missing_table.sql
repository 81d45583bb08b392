SELECT count() FROM there_is_no_such_table
