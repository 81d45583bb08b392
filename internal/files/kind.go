package files

import "bytes"

// container says what a file is that other files are in, and that is not read; empty: it is none.
func container(head []byte) string {
	const unpack = ": unpack it, and import the folder"
	at := func(pos int, mark string) bool { return len(head) >= pos && bytes.HasPrefix(head[pos:], []byte(mark)) }
	switch {
	case isZip(head):
		return "a zip that was packed once more" + unpack
	case at(0, "PK\x05\x06"):
		return "an empty zip: there is nothing in it"
	case at(257, "ustar"):
		return "a tar archive" + unpack + " (tar xf)"
	case at(0, "7z\xbc\xaf\x27\x1c"):
		return "a 7z archive" + unpack
	case at(0, "Rar!\x1a\x07"):
		return "a rar archive" + unpack
	case at(0, "\xfd7zXZ\x00"):
		return "packed with xz: unpack it (unxz)"
	case at(0, "BZh") && at(4, "1AY&SY"):
		return "packed with bzip2: unpack it (bunzip2)"
	case at(0, "\x28\xb5\x2f\xfd"):
		return "packed with zstd: unpack it (unzstd)"
	case at(0, "MSCF"):
		return "a cab archive" + unpack
	case isGzip(head):
		return "packed with gzip twice: unpack it (gunzip)"
	}
	return ""
}
