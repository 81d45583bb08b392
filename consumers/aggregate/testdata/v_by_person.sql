SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(person_key)), source, namespace, person, person_name, bot, toString(messages), toString(deleted), toString(edited), toString(service), toString(unparsed), toString(characters),
    toString(words), toString(reactions), toString(chats), first_at, last_at)
FROM v_by_person
ORDER BY person_key
