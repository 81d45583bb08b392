package ch

import (
	"time"

	"github.com/agrichat/agrichat/internal/fact"
)

// The seconds since 1970 between which DateTime64(6) holds a time and the driver can send it; others would wrap around.
const (
	FirstSecond = fact.FirstSecond
	EndSecond   = fact.EndSecond
)

// InRange reports whether a column holds the time. One that it does not hold is NULL there.
func InRange(t time.Time) bool { return fact.InRange(t) }
