package chserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// handler answers as the HTTP interface of a ClickHouse server does, for clickhouse-go and for curl. It knows no sessions,
// no external tables and no compressed HTTP answers, and says so where one is asked for.
type handler struct {
	lib     *library
	cfg     Config
	slots   chan struct{} // bounds what runs at once, and with it the engine's threads
	running sync.WaitGroup
	serial  atomic.Uint64
}

const (
	// maxRunning is how many statements run at once; further ones wait.
	maxRunning = 24
	// maxStatement bounds what is held of a statement's text, VALUES included. Data behind FORMAT are not held.
	maxStatement = 64 << 20
	// statementHead is as much of a body as is read to find where its statement ends.
	statementHead = 64 << 10
)

func newHandler(lib *library, cfg Config) *handler {
	return &handler{lib: lib, cfg: cfg, slots: make(chan struct{}, maxRunning)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.running.Add(1)
	defer h.running.Done()
	q := r.URL.Query()
	if r.URL.Path == "/ping" || r.Method == http.MethodGet && r.URL.Path == "/" && !q.Has("query") {
		_, _ = io.WriteString(w, "Ok.\n")
		return
	}
	out := newAnswer(w, q, h.cfg.Database)
	if err := h.authorised(r, q); err != nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="ClickHouse server HTTP API"`)
		out.fail(err)
		return
	}
	req, err := parseRequest(r, q, h.cfg.Database)
	if err == nil {
		err = h.run(r.Context(), req, out)
	}
	if err != nil {
		out.fail(err)
		return
	}
	out.finish()
}

// authorised takes the name and password from wherever ClickHouse does.
func (h *handler) authorised(r *http.Request, q url.Values) error {
	user, password, ok := r.BasicAuth()
	switch {
	case r.Header.Get("X-ClickHouse-User") != "" || r.Header.Get("X-ClickHouse-Key") != "":
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	case !ok:
		user, password = q.Get("user"), q.Get("password")
	}
	right := subtle.ConstantTimeCompare([]byte(password), []byte(h.cfg.Password)) &
		subtle.ConstantTimeCompare([]byte(user), []byte(h.cfg.User))
	if right != 1 {
		return newException(codeAuthentication, "%s: Authentication failed: password is incorrect, "+
			"or there is no user with such name. (AUTHENTICATION_FAILED)", user)
	}
	return nil
}

// request is a statement and how to run it.
type request struct {
	statement
	database string
	format   string
	settings []setting
	params   params
	queryID  string
	body     io.Reader // the data of an insert
}

type setting struct{ name, value string }

func parseRequest(r *http.Request, q url.Values, database string) (*request, error) {
	req := &request{database: database, format: "TabSeparated", queryID: q.Get("query_id")}
	if path := strings.Trim(r.URL.Path, "/"); path != "" {
		req.database = path // so that the address which works for clickhouse-go works for curl
	}
	for _, s := range []string{r.Header.Get("X-ClickHouse-Database"), q.Get("database")} {
		if s != "" {
			req.database = s
		}
	}
	if err := req.readParameters(q); err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil, newException(codeNotImplemented, "The embedded engine takes no external tables. (NOT_IMPLEMENTED)")
	}
	body, err := decodedBody(r, q)
	if err != nil {
		return nil, err
	}
	if err := req.readStatement(q.Get("query"), body); err != nil {
		return nil, err
	}
	for _, f := range []string{r.Header.Get("X-ClickHouse-Format"), q.Get("default_format"), req.statement.format} {
		if f != "" {
			req.format = f
		}
	}
	if r.Method == http.MethodGet && !req.readOnly() {
		return nil, newException(codeReadonly, "Cannot execute query in readonly mode. For queries over HTTP, "+
			"method GET implies readonly. You should use method POST for modifying queries. (READONLY)")
	}
	return req, nil
}

// readParameters sorts the address's parameters: a few are the protocol's, param_x are values of the statement, and
// the rest are settings.
func (req *request) readParameters(q url.Values) error {
	for name, values := range q {
		switch name {
		case "query", "database", "user", "password", "quota_key", "query_id", "default_format", "client_protocol_version",
			"compress", "decompress", "stacktrace", "wait_end_of_query", "buffer_size", "log_comment", "role":
		case "session_id", "session_timeout", "session_check":
			return newException(codeNotImplemented, "The embedded engine keeps no sessions. (NOT_IMPLEMENTED)")
		default:
			value := values[len(values)-1]
			if param, ok := strings.CutPrefix(name, "param_"); ok {
				req.params.add(param, value)
				continue
			}
			if !isName(name) {
				return newException(codeBadArguments, "Not a setting: %q. (BAD_ARGUMENTS)", name)
			}
			req.settings = append(req.settings, setting{name, value})
		}
	}
	return nil
}

func isName(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '.' {
			return false
		}
	}
	return s != ""
}

// readStatement joins the statement in the address and the body as ClickHouse does: the body goes on where the address
// ends, be it with data or with more of the statement.
func (req *request) readStatement(query string, body io.Reader) error {
	br := bufio.NewReaderSize(body, statementHead)
	head, err := br.Peek(statementHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the statement: %w", err)
	}
	if query != "" {
		req.statement = parseStatement(query)
		if req.takesData {
			req.body = io.MultiReader(strings.NewReader(req.data), br)
			return nil
		}
		query += "\n"
	} else if st := parseStatement(string(head)); st.takesData {
		if _, err := br.Discard(len(head) - len(st.data)); err != nil {
			return fmt.Errorf("reading the statement: %w", err)
		}
		req.statement, req.body = st, br
		return nil
	}
	rest, err := io.ReadAll(io.LimitReader(br, maxStatement+1))
	if err != nil {
		return fmt.Errorf("reading the statement: %w", err)
	}
	if len(rest) > maxStatement {
		return newException(codeSyntax, "The statement is longer than %d bytes. (SYNTAX_ERROR)", maxStatement)
	}
	req.statement = parseStatement(query + string(rest))
	if req.takesData {
		req.body = strings.NewReader(req.data)
	}
	if strings.TrimSpace(req.sql) == "" {
		return newException(codeSyntax, "Syntax error: Empty query. (SYNTAX_ERROR)")
	}
	return nil
}

// run gives the request a connection of its own and sees to it that the statement ends with its client.
func (h *handler) run(ctx context.Context, req *request, out *answer) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return newException(codeBusy, "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)")
	}
	name := "agrichat " + strconv.FormatUint(h.serial.Add(1), 10)
	s, err := h.lib.open(sessionArgs(h.cfg, name)...)
	if err != nil {
		return err
	}
	defer s.close()
	stopWatch := h.watch(ctx, name)
	defer stopWatch()
	if err := s.prepare(req); err != nil {
		return err
	}
	out.describe(req)
	return s.execute(ctx, req, out)
}

// prepare applies what the address says to the connection.
func (s *session) prepare(req *request) error {
	if _, _, err := s.query("USE "+quoteName(req.database), "Null", params{}); err != nil {
		return err
	}
	if len(req.settings) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString("SET ")
	for i, set := range req.settings {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(set.name + " = " + quoteText(set.value))
	}
	_, _, err := s.query(b.String(), "Null", params{})
	return err
}

func quoteName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}

func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func (s *session) execute(ctx context.Context, req *request, out *answer) error {
	switch {
	case req.takesData:
		buf := make([]byte, 256<<10)
		n, err := s.insert(req.sql, req.statement.format, req.params, func() ([]byte, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			n, err := io.ReadFull(req.body, buf)
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return buf[:n], err
		})
		out.summary(n)
		return err
	case req.streams(req.format):
		return s.stream(req.sql, req.format, req.params, out.write)
	}
	data, n, err := s.query(req.sql, req.format, req.params)
	if err != nil {
		return err
	}
	out.summary(n)
	return out.write(data)
}
