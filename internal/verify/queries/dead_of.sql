SELECT d.sequence FROM agrichat.dead_letters d WHERE d.incarnation = $1 AND d.sequence = ANY ($2)
