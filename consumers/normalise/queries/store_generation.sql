SELECT generation FROM agrichat.store
