package producers

import "bytes"

// nulShare: text has fewer NULs than one in so many bytes. A single one may stand in a message.
const nulShare = 16

// Binary reports whether bytes are no text in an encoding that keeps ASCII: something binary, or UTF-16.
func Binary(b []byte) bool { return bytes.Count(b, []byte{0}) > len(b)/nulShare }

// JSON reports whether a file begins as JSON objects do, or a list of them: no line log and no table does.
func JSON(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), spaceJSON)
	if list, is := bytes.CutPrefix(head, []byte("[")); is {
		head = bytes.TrimLeft(list, spaceJSON)
	}
	object, is := bytes.CutPrefix(head, []byte("{"))
	object = bytes.TrimLeft(object, spaceJSON)
	return is && len(object) > 0 && (object[0] == '"' || object[0] == '}')
}

const spaceJSON = " \t\r\n"
