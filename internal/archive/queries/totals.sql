SELECT
    sum(f.messages), sum(f.deleted), sum(f.edited), sum(f.service), sum(f.unparsed), sum(f.characters), sum(f.words),
    sum(f.reactions), uniqExactIf(f.author_key, f.messages AND f.author_key != toFixedString('', 16)),
    uniqExactIf(f.channel_key, f.messages),
    fromUnixTimestamp64Micro(minIf(f.sent_us, f.messages), 'UTC'), fromUnixTimestamp64Micro(maxIf(f.sent_us, f.messages), 'UTC')
FROM v_figures AS f
WHERE ({source:String} = '' OR f.source = {source:String})
    AND ({namespace:String} = '' OR f.namespace = {namespace:String})
    AND ({channel:String} = '' OR f.channel = {channel:String})
    AND ({from:String} = '' OR f.sent_us >= toInt64OrZero({from:String}))
    AND ({to:String} = '' OR f.sent_us < toInt64OrZero({to:String}))
