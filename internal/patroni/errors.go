package patroni

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/agrichat/agrichat/internal/fault"
)

// explain classifies an error, and names the setting to correct. An error that lasts until a person acts is fatal, although the
// follower retries: the person may act in etcd.
func (f *Follower) explain(ctx context.Context, err error) error {
	advice := f.refused(err)
	if advice == "" {
		advice = f.insecure(ctx, err.Error())
	}
	if advice != "" {
		return fault.AsFatal(&adviceError{advice, err})
	}
	return fault.AsTransient(fmt.Errorf("waiting for etcd at %s: %w", f.endpoints(), err), 0)
}

// adviceError is an error that a person can correct.
type adviceError struct {
	advice string
	err    error
}

func (a *adviceError) Error() string { return a.advice + ": " + a.err.Error() }
func (a *adviceError) Unwrap() error { return a.err }

// kind is the class, or the advice: the wrapped texts name connections, and differ each time.
func kind(err error) string {
	var a *adviceError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &a):
		return a.advice
	}
	return fault.Of(err).String()
}

func (f *Follower) endpoints() string { return strings.Join(f.cfg.Endpoints, ", ") }

// refused is about users and rights.
func (f *Follower) refused(err error) string {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(rpctypes.Error(err), t) || errors.Is(err, t) || strings.Contains(err.Error(), t.Error()) {
				return true
			}
		}
		return false
	}
	switch {
	case is(rpctypes.ErrUserEmpty):
		return "etcd wants to know who asks: give etcd.user and etcd.password"
	case is(rpctypes.ErrAuthFailed, rpctypes.ErrUserNotFound, rpctypes.ErrInvalidAuthToken):
		return fmt.Sprintf("etcd refuses the user %q: correct etcd.user and etcd.password", f.cfg.User)
	case is(rpctypes.ErrPermissionDenied):
		return fmt.Sprintf("etcd lets the user %q not read %s: give the user a role that may, or correct etcd.user and patroni.scope",
			f.cfg.User, f.prefix)
	case is(rpctypes.ErrAuthNotEnabled):
		return "etcd knows no users: leave etcd.user and etcd.password empty, or enable authentication there"
	}
	return ""
}

// insecure is about TLS. Only the text of such an error is available.
func (f *Follower) insecure(ctx context.Context, text string) string {
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("first record does not look like a TLS handshake"), has("handshake failed: EOF") && f.any(ctx, speaksPlainly):
		return "etcd does not speak TLS: begin etcd.endpoints with http://"
	case has("certificate required"), has("bad certificate"), has("tls: unknown certificate"):
		return "etcd refuses our certificate: give etcd.cert_file and etcd.key_file that its CA has signed"
	case has("certificate has expired or is not yet valid"):
		return "the certificate of etcd has expired, or is not valid yet: renew it, or correct this machine's clock"
	case has("certificate is valid for"), has("doesn't contain any IP SANs"), has("not valid for any names"):
		return "the certificate of etcd is for another name: name the servers in etcd.endpoints as it does"
	case has("x509:"):
		return "the certificate of etcd is not trusted: give in etcd.ca_file the CA that has signed it"
	case has("handshake failed: tls:"), has("remote error: tls:"):
		return "etcd and we do not agree on TLS: correct etcd.ca_file, etcd.cert_file and etcd.key_file"
	case has("error reading server preface") && !secure(f.cfg.Endpoints[0]) && f.any(ctx, speaksTLS):
		return "etcd speaks TLS: begin etcd.endpoints with https://, and give etcd.ca_file"
	}
	return ""
}
