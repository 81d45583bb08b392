package producers

import "bytes"

// nulShare: text has fewer NULs than one in so many bytes. A single one may stand in a message.
const nulShare = 16

// Binary reports whether bytes are no text in an encoding that keeps ASCII: something binary, or UTF-16.
func Binary(b []byte) bool { return bytes.Count(b, []byte{0}) > len(b)/nulShare }
