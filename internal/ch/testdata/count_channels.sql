SELECT count() FROM channels FINAL
