SELECT key, name, as_of, username, username_as_of, bot, changed = 0 FROM agrichat.identities WHERE key = ANY ($1)
