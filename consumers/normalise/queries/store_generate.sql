UPDATE agrichat.store SET generation = $1 WHERE generation IS NULL
