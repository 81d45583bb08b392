UPDATE agrichat.store SET generation = coalesce(generation, $1) RETURNING generation
