package patroni

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// address returns host:port of a member's conn_url; empty if there is none that a client could connect to.
func address(conn string) string {
	u, err := url.Parse(strings.TrimSpace(conn))
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return ""
	}
	host, port := u.Hostname(), u.Port()
	if host == "" || strings.Contains(host, ":") && !strings.HasPrefix(u.Host, "[") || strings.ContainsAny(host, ", \t\r\n") {
		return ""
	}
	if port == "" {
		port = "5432"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return ""
	}
	return net.JoinHostPort(host, port)
}
