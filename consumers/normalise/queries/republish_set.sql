-- $1: generation, $2: from which counter on facts are still to be published again; 0: none.
UPDATE agrichat.store SET republish_from = nullif($2::bigint, 0) WHERE generation = $1
