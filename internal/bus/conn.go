package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/agrichat/agrichat/internal/fault"
)

// Codes of the server that nats.go has no names for.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeStorageExceeded       jetstream.ErrorCode = 10047
	codeAccountExceeded       jetstream.ErrorCode = 10002
	codeStoreFailed           jetstream.ErrorCode = 10077 // "maximum bytes exceeded", "maximum messages exceeded", a failing disk
)

// fullPause is how long a publisher leaves a full stream alone: consumers do not make room in less.
const fullPause = time.Second

// classify marks an error of NATS with what to do about it; unmarked ones stay so, and count as transient.
func classify(err error) error {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case isRefusal(err):
		return fault.AsFatal(fmt.Errorf("%w: give this user the right to do that, or correct user and password", err))
	case errors.Is(err, nats.ErrMaxPayload):
		return fault.AsPoison(err)
	}
	var api *jetstream.APIError
	if js := jetstream.JetStreamError(nil); errors.As(err, &js) && js.APIError() != nil {
		api = js.APIError()
	} else if !errors.As(err, &api) {
		return err
	}
	return classifyAPI(err, api)
}

func classifyAPI(err error, api *jetstream.APIError) error {
	switch api.ErrorCode {
	case jetstream.JSErrCodeJetStreamNotEnabled, jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return fault.AsFatal(fmt.Errorf("%w: switch JetStream on for this account", err))
	case jetstreamext.JSErrCodeBatchPublishNotEnabled:
		return fault.AsFatal(fmt.Errorf("%w: the stream does not allow atomic batches; set allow_atomic on it", err))
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return fault.AsPoison(err)
	case jetstreamext.JSErrCodeBatchPublishExceedsLimit:
		return fault.AsTransient(fmt.Errorf("%w: nothing of it is stored, and batches are smaller from now on", err), 0)
	case codeStoreFailed:
		return fault.AsTransient(fmt.Errorf(
			"%w: the stream takes no more; raise its size limit, free disk space, or wait until consumers have made room", err), fullPause)
	case codeStorageExceeded:
		// It compares limits, not what is stored: freeing disk space changes nothing before the server starts again.
		return fault.AsTransient(fmt.Errorf("%w: the limits of all streams are more than the server may store; lower nats.chat_max_bytes or "+
			"nats.facts_max_bytes, or raise its max_file_store, by default three quarters of the disk space free when it started", err), fullPause)
	case codeInsufficientResources, codeAccountExceeded:
		return fault.AsTransient(fmt.Errorf("%w: the server has no storage left; free disk space or raise max_file_store", err), fullPause)
	}
	return err
}

func isRefusal(err error) bool {
	for _, r := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrPermissionViolation, nats.ErrNkeysNotSupported, nats.ErrUserButNoSigCB,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

func hasCode(err error, codes ...jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	if js := jetstream.JetStreamError(nil); errors.As(err, &js) && js.APIError() != nil {
		api = js.APIError()
	} else if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode == c {
			return true
		}
	}
	return false
}
