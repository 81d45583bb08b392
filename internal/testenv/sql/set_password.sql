SET scram_iterations = 1;
ALTER ROLE agrichat PASSWORD 'of-the-tests';
