package chserver

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// exception is an error in ClickHouse's own terms: clients know its numbers.
type exception struct {
	code int
	text string
}

func (e *exception) Error() string { return e.text }

// The numbers that are ours to give, from the list of ClickHouse.
const (
	codeBadArguments   = 36
	codeNotImplemented = 48
	codeSyntax         = 62
	codeReadonly       = 164
	codeBusy           = 202 // TOO_MANY_SIMULTANEOUS_QUERIES
	codeAuthentication = 516
	codeUnknown        = 1002
)

func newException(code int, format string, v ...any) *exception {
	return &exception{code: code, text: fmt.Sprintf("Code: %d. DB::Exception: %s", code, fmt.Sprintf(format, v...))}
}

func errEngine(text string) *exception { return newException(codeUnknown, "%s", text) }

var exceptionCode = regexp.MustCompile(`^Code: (\d+)\.`)

func parseException(text string) *exception {
	text = strings.TrimSpace(text)
	m := exceptionCode.FindStringSubmatch(text)
	if m == nil {
		return errEngine(text)
	}
	code, err := strconv.Atoi(m[1])
	if err != nil {
		return errEngine(text)
	}
	return &exception{code: code, text: text}
}

// status is the HTTP status that the ClickHouse server answers this exception with.
func (e *exception) status() int {
	switch e.code {
	case codeAuthentication, 192, 193, 194: // unknown user, wrong and missing password
		return http.StatusUnauthorized
	case 497, codeReadonly, 291: // access denied, readonly, database access denied
		return http.StatusForbidden
	case 60, 81, 46, 47, 16, 10, 37, 42, 50, 34, 35: // unknown table, database, function, identifier, column, type ...
		return http.StatusNotFound
	case codeBadArguments, codeSyntax, 26, 27, 38, 41, 43, 53, 69, 70, 72, 115, 117: // what cannot be read
		return http.StatusBadRequest
	case 241, 307, 396: // memory, too many bytes, too many rows
		return http.StatusInternalServerError
	case 159, 209: // timeouts
		return http.StatusRequestTimeout
	case codeNotImplemented:
		return http.StatusNotImplemented
	case codeBusy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
