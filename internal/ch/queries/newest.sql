-- {table}: one that holds facts. The highest version of any of them.
SELECT max(version) FROM {table}
