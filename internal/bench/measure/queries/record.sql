SELECT (SELECT count(*) FROM agrichat.messages WHERE kind IS NOT NULL),
       (SELECT count(*) FROM agrichat.events),
       (SELECT count(*) FROM agrichat.reactions)
