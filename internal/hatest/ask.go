package hatest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/labtest"
)

// figure reads one value without labels from a page of metrics.
func figure(ctx context.Context, c *http.Client, url, name string) (n float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, fmt.Errorf("reading metrics: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s does not tell %s: %w", url, name, lines.Err())
}

// leadsEtcd reports whether a member of etcd leads the others.
func (s *Scene) leadsEtcd(ctx context.Context, h *labtest.Host) (bool, error) {
	for _, endpoint := range s.etcd.Endpoints() {
		if !strings.Contains(endpoint, "//"+h.Address+":") {
			continue
		}
		st, err := s.etcd.Status(ctx, endpoint)
		if err != nil {
			return false, fmt.Errorf("asking etcd on %s: %w", h.Name, err)
		}
		return st.Leader == st.Header.MemberId, nil
	}
	return false, fmt.Errorf("%s is no member of etcd", h.Name)
}

// streamLeader is the name of the server that leads the stream of events.
func (s *Scene) streamLeader(ctx context.Context) (string, error) {
	js, err := jetstream.New(s.bus.Conn())
	if err != nil {
		return "", err
	}
	st, err := js.Stream(ctx, bus.Chat)
	if err != nil {
		return "", fmt.Errorf("asking who leads the stream: %w", err)
	}
	info := st.CachedInfo()
	if info.Cluster == nil {
		return "", errors.New("the stream is on no cluster")
	}
	return info.Cluster.Leader, nil
}
