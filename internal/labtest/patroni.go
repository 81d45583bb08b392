package labtest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed queries/standbys.sql
var standbysQuery string

//go:embed queries/writable.sql
var writableQuery string

// Member is a server of the cluster as Patroni sees it.
type Member struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	State    string `json:"state"`
	Timeline int    `json:"timeline"`
	// Lag is a number of bytes, or "unknown"; nothing for a leader.
	Lag json.RawMessage `json:"lag"`
}

// Cluster asks the Patronis of the cluster's members until one answers.
func (l *Lab) Cluster(ctx context.Context) ([]Member, error) {
	var errs []error
	for _, h := range l.Hosts(Postgres) {
		var answer struct {
			Members []Member `json:"members"`
		}
		err := ask(ctx, http.MethodGet, l.patroni(h, "cluster"), "", nil, &answer)
		if err == nil {
			return answer.Members, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (l *Lab) patroni(h *Host, path string) string {
	return "http://" + h.Address + ":" + patroniPort + "/" + path
}

// Leader returns who holds the leader's key in etcd; nil if nobody does.
func (l *Lab) Leader(ctx context.Context) (*Host, error) {
	name, err := l.etcdValue(ctx, Namespace+Scope+"/leader")
	if err != nil || name == "" {
		return nil, err
	}
	return l.Host(name), nil
}

// AwaitLeader waits for a leader other than some hosts that takes writes, and returns it.
func (l *Lab) AwaitLeader(ctx context.Context, others ...*Host) (*Host, error) {
	ctx, cancel := limited(ctx, 90*time.Second)
	defer cancel()
	var leader *Host
	err := until(ctx, 50*time.Millisecond, "there is a new leader", func(ctx context.Context) error {
		h, err := l.Leader(ctx)
		if err != nil {
			return err
		}
		if h == nil {
			return errors.New("nobody holds the key")
		}
		for _, o := range others {
			if o == h {
				return fmt.Errorf("%s holds the key", h.Name)
			}
		}
		leader = h
		return l.writable(ctx, h)
	})
	return leader, err
}

func (l *Lab) writable(ctx context.Context, h *Host) error {
	var ok bool
	if err := l.query(ctx, h, writableQuery, &ok); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s is in recovery", h.Name)
	}
	return nil
}

// query asks one server for one value.
func (l *Lab) query(ctx context.Context, h *Host, sql string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, l.HostDSN(h))
	if err != nil {
		return fmt.Errorf("asking PostgreSQL on %s: %w", h.Name, err)
	}
	err = conn.QueryRow(ctx, sql).Scan(answer)
	return errors.Join(err, conn.Close(ctx))
}

// Switchover gives the leadership to another server in good order, and returns when that one takes writes.
func (l *Lab) Switchover(ctx context.Context, to *Host) error {
	from, err := l.Leader(ctx)
	if err != nil {
		return err
	}
	if from == nil {
		return errors.New("switching over: there is no leader")
	}
	// The answer comes when it is done, which takes longer than any other.
	err = askWithin(ctx, 40*time.Second, http.MethodPost, l.patroni(from, "switchover"), l.Secrets.API,
		map[string]string{"leader": from.Name, "candidate": to.Name}, nil)
	if err != nil {
		return fmt.Errorf("switching over from %s to %s: %w", from.Name, to.Name, err)
	}
	_, err = l.AwaitLeader(ctx, l.except(to)...)
	return err
}

// except lists the other servers of the cluster.
func (l *Lab) except(h *Host) []*Host {
	var list []*Host
	for _, o := range l.Hosts(Postgres) {
		if o != h {
			list = append(list, o)
		}
	}
	return list
}

// Configure changes Patroni's dynamic configuration, as patronictl edit-config does. Members follow within loop_wait.
func (l *Lab) Configure(ctx context.Context, change map[string]any) error {
	var errs []error
	for _, h := range l.Hosts(Postgres) {
		err := ask(ctx, http.MethodPatch, l.patroni(h, "config"), l.Secrets.API, change, nil)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("configuring Patroni: %w", errors.Join(errs...))
}

// SetProfile chooses between losing nothing (strict) and waiting for nobody, and returns when the leader does so.
func (l *Lab) SetProfile(ctx context.Context, strict bool) error {
	ctx, cancel := limited(ctx, time.Minute)
	defer cancel()
	if err := l.Configure(ctx, map[string]any{"synchronous_mode": strict, "synchronous_mode_strict": strict}); err != nil {
		return err
	}
	return until(ctx, 100*time.Millisecond, "the profile is in force", func(ctx context.Context) error { return l.inForce(ctx, strict) })
}

// inForce asks the leader whom it waits for. Strictness without a standby shows as a star, and does not count.
func (l *Lab) inForce(ctx context.Context, strict bool) error {
	leader, err := l.Leader(ctx)
	if err != nil {
		return err
	}
	if leader == nil {
		return errors.New("there is no leader")
	}
	var standbys int
	if err := l.query(ctx, leader, standbysQuery, &standbys); err != nil {
		return err
	}
	members, err := l.Cluster(ctx)
	if err != nil {
		return err
	}
	synchronous := slices.ContainsFunc(members, func(m Member) bool { return m.Role == "sync_standby" })
	if (standbys > 0) != strict || synchronous != strict {
		return fmt.Errorf("%s waits for %d standbys, and that one is synchronous: %t", leader.Name, standbys, synchronous)
	}
	return nil
}
