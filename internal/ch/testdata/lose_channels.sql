ALTER TABLE channels DELETE WHERE true SETTINGS mutations_sync = 2
