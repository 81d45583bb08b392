package labtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// WaitHealthy waits until all is as it should be: every member of etcd answers, one server leads and takes writes, the two
// others stream from it on its timeline without a lag, one of them synchronously in the strict profile and only there, and JetStream has its leader and all peers, each up to date.
func (l *Lab) WaitHealthy(ctx context.Context) error {
	ctx, cancel := limited(ctx, 90*time.Second)
	defer cancel()
	return until(ctx, 100*time.Millisecond, "the lab is healthy", l.Healthy)
}

// Healthy tells what is wrong at this moment, if anything.
func (l *Lab) Healthy(ctx context.Context) error {
	return errors.Join(
		each(ctx, l.Hosts(Etcd), l.etcdHealthy), l.clusterHealthy(ctx), each(ctx, l.Hosts(NATS), l.natsHealthy), l.peersHealthy(ctx))
}

func (l *Lab) etcdHealthy(ctx context.Context, h *Host) error {
	return ask(ctx, http.MethodGet, "http://"+h.Address+":"+etcdPort+"/health", "", nil, nil)
}

func (l *Lab) natsHealthy(ctx context.Context, h *Host) error {
	return ask(ctx, http.MethodGet, "http://"+h.Address+":"+natsWatchPort+"/healthz", "", nil, nil)
}

// peersHealthy asks for JetStream's leader, who alone knows how the others are.
func (l *Lab) peersHealthy(ctx context.Context) error {
	for _, h := range l.Hosts(NATS) {
		var answer struct {
			Meta struct {
				Replicas []struct {
					Name             string
					Current, Offline bool
				}
			} `json:"meta_cluster"`
		}
		if err := ask(ctx, http.MethodGet, "http://"+h.Address+":"+natsWatchPort+"/jsz", "", nil, &answer); err != nil {
			return err
		}
		current := 0
		for _, r := range answer.Meta.Replicas {
			if r.Current && !r.Offline {
				current++
			}
		}
		if current == len(l.Hosts(NATS))-1 {
			return nil
		}
	}
	return errors.New("JetStream lacks a leader or a peer")
}

func (l *Lab) clusterHealthy(ctx context.Context) error {
	leader, err := l.Leader(ctx)
	if err != nil {
		return err
	}
	if leader == nil {
		return errors.New("nobody leads PostgreSQL")
	}
	members, err := l.Cluster(ctx)
	if err != nil {
		return err
	}
	if len(members) != len(l.Hosts(Postgres)) {
		return fmt.Errorf("PostgreSQL has %d members", len(members))
	}
	timeline := 0
	for _, m := range members {
		if m.Name == leader.Name {
			timeline = m.Timeline
		}
	}
	for _, m := range members {
		good := m.State == "streaming" && string(m.Lag) == "0"
		if m.Name == leader.Name {
			good = m.State == "running" && m.Role == "leader"
		}
		if !good || m.Timeline != timeline {
			return fmt.Errorf("%s is %s, %s on timeline %d with a lag of %s", m.Name, m.Role, m.State, m.Timeline, m.Lag)
		}
	}
	if err := l.writable(ctx, leader); err != nil {
		return err
	}
	strict, err := l.strict(ctx)
	if err != nil {
		return err
	}
	return l.inForce(ctx, strict)
}

// strict reads which profile is asked for.
func (l *Lab) strict(ctx context.Context) (bool, error) {
	text, err := l.etcdValue(ctx, Namespace+Scope+"/config")
	if err != nil {
		return false, err
	}
	var config struct {
		Strict bool `json:"synchronous_mode_strict"`
	}
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return false, fmt.Errorf("reading Patroni's configuration: %w", err)
	}
	return config.Strict, nil
}
