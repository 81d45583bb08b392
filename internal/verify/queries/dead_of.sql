SELECT d.position, d.state = 'dead' FROM agrichat.dead_letters d WHERE d.incarnation = $1 AND d.position = ANY ($2)
