package verify_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/verify"
)

func TestRetryTransient(t *testing.T) {
	away := errors.New("the server is away")
	for name, tt := range map[string]struct {
		away time.Duration
		err  error
		want error
		took time.Duration // at most, and at least a tenth less
	}{
		"success":               {0, away, nil, 0},
		"a restart":             {20 * time.Second, away, nil, 20 * time.Second},
		"an outage without end": {time.Hour, away, away, 61 * time.Second},
		"a fatal error":         {time.Hour, fault.AsFatal(away), away, 0},
		"a poison error":        {time.Hour, fault.AsPoison(away), away, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := verify.RetryTransient(t.Context(), func(context.Context) error {
					if time.Since(began) < tt.away {
						return tt.err
					}
					return nil
				})
				if took := time.Since(began); !errors.Is(err, tt.want) || took > tt.took || took < tt.took*9/10 {
					t.Errorf("after %s got %v", took, err)
				}
			})
		})
	}
}

func TestRetryTransient_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("the server is away")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := verify.RetryTransient(ctx, func(context.Context) error { return away })
		if took := time.Since(began); took != time.Second || !errors.Is(err, away) {
			t.Errorf("after %s got %v", took, err)
		}
	})
}
