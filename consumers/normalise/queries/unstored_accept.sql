-- $1: counters, $2: who. The first acceptance stays.
UPDATE agrichat.unstored_sequences SET accepted_at = clock_timestamp(), accepted_by = $2
WHERE counter = ANY ($1::bigint[]) AND accepted_at IS NULL
