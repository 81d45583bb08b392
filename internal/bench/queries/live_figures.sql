SELECT DISTINCT sequence FROM messages
WHERE source = {source:String} AND channel = {channel:String} AND kind != '' AND sequence > {above:UInt64}
