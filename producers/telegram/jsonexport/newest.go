package jsonexport

import (
	"bytes"
	"errors"
	"io"

	"github.com/agrichat/agrichat/producers"
)

// tailRead is how much of the end of a file is read to find its newest message.
const tailRead = 128 << 10

// unixKey ends the keys of times in Unix seconds. Inside a string its quote would be escaped.
const unixKey = `unixtime":`

// newest is the newest instant that the file knows of, in Unix seconds: the export was made then or later. It is at the end of the
// file, or of one of its chats. Zero if the file does not say; what cannot be read is found again where it is read.
func newest(f producers.File, chats bool) int64 {
	from := max(f.Size-tailRead, 0)
	if chats {
		from = 0
	}
	r, err := producers.OpenAt(f, from)
	if err != nil {
		return 0
	}
	latest, err := latestUnix(r)
	if errors.Join(err, r.Close()) != nil {
		return 0
	}
	return latest
}

// latestUnix returns the latest of all times in Unix seconds.
func latestUnix(r io.Reader) (latest int64, err error) {
	const kept = len(unixKey) + len(` "9223372036854775807"`)
	buf, n := make([]byte, tailRead), 0
	for {
		m, err := io.ReadFull(r, buf[n:])
		n += m
		b := buf[:n]
		for {
			i := bytes.Index(b, []byte(unixKey))
			if i < 0 {
				break
			}
			b = b[i+len(unixKey):]
			if at, ok := unixNumber(b); ok {
				latest = max(latest, at)
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return latest, nil
		case err != nil:
			return 0, err
		}
		n = copy(buf, buf[n-kept:n])
	}
}

// unixMost is the end of the year 9999.
const unixMost = 253402300799

// unixNumber reads a number with or without quotes.
func unixNumber(b []byte) (n int64, ok bool) {
	b = bytes.TrimLeft(b[:min(len(b), len(` "9223372036854775807"`))], ` "`)
	for i, c := range b {
		switch {
		case i > 0 && (c == '"' || c == ',' || c == '}' || c == '\n' || c == '\r' || c == ' '):
			return n, true
		case c < '0' || c > '9' || n > unixMost/10:
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return 0, false
}
