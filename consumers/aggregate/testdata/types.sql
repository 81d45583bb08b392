SELECT table, name, type FROM system.columns WHERE database = currentDatabase() AND default_kind = ''
