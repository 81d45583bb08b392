package labtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// askLimit is for servers of the lab, which answer in milliseconds unless something was done to them.
const askLimit = 2 * time.Second

// ask sends JSON, or asks if there is nothing to send, and reads JSON, or nothing if there is nowhere to put it. It keeps no
// connection: one that is left open would be found by the search for leaks.
func ask(ctx context.Context, method, url, password string, send, answer any) error {
	return askWithin(ctx, askLimit, method, url, password, send, answer)
}

func askWithin(ctx context.Context, limit time.Duration, method, url, password string, send, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var body bytes.Buffer
	if send != nil {
		if err := json.NewEncoder(&body).Encode(send); err != nil {
			return fmt.Errorf("asking %s: %w", url, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, &body)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	req.Close = true
	if password != "" {
		req.SetBasicAuth("patroni", password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err // it names the address
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("asking %s: %s: %s", url, resp.Status, strings.TrimSpace(string(text)))
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("asking %s: %w: %s", url, err, text)
	}
	return nil
}

// etcdValue reads a key as a quorum of etcd has it, from whichever member answers; empty if it is not there.
func (l *Lab) etcdValue(ctx context.Context, key string) (string, error) {
	var errs []error
	for _, h := range l.Hosts(Etcd) {
		var answer struct {
			KVs []struct {
				Value []byte `json:"value"`
			} `json:"kvs"`
		}
		send := map[string]string{"key": base64.StdEncoding.EncodeToString([]byte(key))}
		if err := ask(ctx, http.MethodPost, "http://"+h.Address+":"+etcdPort+"/v3/kv/range", "", send, &answer); err != nil {
			errs = append(errs, err)
			continue
		}
		if len(answer.KVs) == 0 {
			return "", nil
		}
		return string(answer.KVs[0].Value), nil
	}
	return "", fmt.Errorf("reading %s: %w", key, errors.Join(errs...))
}

// owned tells whose a file is.
func owned(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}
