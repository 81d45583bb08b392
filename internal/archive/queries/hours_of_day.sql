SELECT toHour(f.hour_at, {zone:String}) AS h, sum(f.messages), sum(f.characters), sum(f.words), sum(f.reactions)
FROM (SELECT *, if(isNull(hour), NULL, sent_at) AS hour_at FROM v_figures) AS f
WHERE ({source:String} = '' OR f.source = {source:String})
    AND ({namespace:String} = '' OR f.namespace = {namespace:String})
    AND ({channel:String} = '' OR f.channel = {channel:String})
    AND ({from:String} = '' OR f.sent_us >= toInt64OrZero({from:String}))
    AND ({to:String} = '' OR f.sent_us < toInt64OrZero({to:String}))
    AND f.messages AND f.hour_at IS NOT NULL
GROUP BY h
ORDER BY h
