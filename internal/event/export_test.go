package event

// EncodeAny is what Encode must put out: what encoding/json makes of the same values.
func EncodeAny(e *Event) ([]byte, error) { return encodeAny(e) }

// DecodeAny is what Decode must return.
func DecodeAny(b []byte) (*Event, error) { return decodeAny(b) }
