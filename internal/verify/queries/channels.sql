SELECT c.key, c.source, c.namespace, c.channel FROM agrichat.channels c
