SELECT
    CAST(f.source, 'String') AS s, if(any(names.key) = f.author_key, any(names.namespace), min(CAST(f.namespace, 'String'))) AS n,
    any(f.author) AS a,
    if(any(names.name) != '', any(names.name), argMax(f.author_name, (ifNull(f.sent_us, 0), f.position))) AS shown,
    any(names.bot),
    sum(f.messages), sum(f.deleted), sum(f.edited), sum(f.service), sum(f.unparsed), sum(f.characters), sum(f.words),
    sum(f.reactions), uniqExactIf(f.author_key, f.messages AND f.author_key != toFixedString('', 16)),
    uniqExactIf(f.channel_key, f.messages),
    fromUnixTimestamp64Micro(minIf(f.sent_us, f.messages), 'UTC'), fromUnixTimestamp64Micro(maxIf(f.sent_us, f.messages), 'UTC')
FROM v_figures AS f
LEFT ANY JOIN (SELECT key, CAST(namespace, 'String') AS namespace, name, bot FROM identities FINAL) AS names
    ON names.key = f.author_key
WHERE ({source:String} = '' OR f.source = {source:String})
    AND ({namespace:String} = '' OR f.namespace = {namespace:String})
    AND ({channel:String} = '' OR f.channel = {channel:String})
    AND ({from:String} = '' OR f.sent_us >= toInt64OrZero({from:String}))
    AND ({to:String} = '' OR f.sent_us < toInt64OrZero({to:String}))
    AND f.author_key != toFixedString('', 16)
GROUP BY f.author_key, s
HAVING sum(f.messages) > 0
ORDER BY sum(f.messages) DESC, s, n, a
LIMIT {limit:UInt64}
