SELECT countIf(m.zone_assumed), count()
FROM v_messages AS m
WHERE ({source:String} = '' OR m.source = {source:String})
    AND ({namespace:String} = '' OR m.namespace = {namespace:String})
    AND ({channel:String} = '' OR m.channel = {channel:String})
    AND ({from:String} = '' OR toUnixTimestamp64Micro(m.sent_at) >= toInt64OrZero({from:String}))
    AND ({to:String} = '' OR toUnixTimestamp64Micro(m.sent_at) < toInt64OrZero({to:String}))
    AND CAST(m.kind, 'String') IN ('message', 'action') AND NOT m.deleted AND m.sent_at IS NOT NULL
