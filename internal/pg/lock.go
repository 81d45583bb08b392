package pg

// WriterLock is the advisory lock that every writing transaction shares. A controller that raises the token takes it alone:
// what it has then seen committed is all that an older token will ever write.
const WriterLock = 0x6167726963686174 // "agrichat"
