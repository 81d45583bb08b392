SELECT (SELECT count() FROM messages FINAL),
       (SELECT count() FROM versions FINAL),
       (SELECT count() FROM reactions FINAL)
