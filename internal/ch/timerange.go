package ch

import "time"

// The seconds since 1970 between which DateTime64(6) holds a time and the driver can send it; others would wrap around.
const (
	FirstSecond = -2_208_988_800 // 1900-01-01
	EndSecond   = 9_214_646_400  // 2262-01-01
)

// InRange reports whether a column holds the time. One that it does not hold is NULL there.
func InRange(t time.Time) bool { return t.Unix() >= FirstSecond && t.Unix() < EndSecond }
