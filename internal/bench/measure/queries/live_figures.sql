SELECT DISTINCT bitShiftRight(position, 10) FROM messages
WHERE source = {source:String} AND channel = {channel:String} AND kind != '' AND bitShiftRight(position, 10) > {above:UInt64}
