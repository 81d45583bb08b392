-- How many standbys a commit may wait for. Without rights to see the others' state, the setting tells.
SELECT CASE WHEN current_setting('synchronous_standby_names') IN ('', '*') THEN 0 ELSE 1 END
