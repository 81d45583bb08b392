package jsonscan

import "strings"

// Reason is an error of the JSON decoder in words that stay the same: the decoder alternates between two wordings from one process
// to the next, and a reason that is part of an event must not make the same bytes another event.
func Reason(err error) string {
	return strings.ReplaceAll(err.Error(), "json: unable to ", "json: cannot ")
}
