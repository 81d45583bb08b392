package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// otherFormats brings the same messages in the other formats to the bus.
func (b *run) otherFormats(ctx context.Context) error {
	for _, f := range corpus.Formats()[1:] {
		if b.archives[f] == "" {
			continue
		}
		if err := b.fileToBus(ctx, f, measured); err != nil {
			return err
		}
	}
	return nil
}

// fileToBus measures reading an archive and publishing it, with nobody who takes it off.
func (b *run) fileToBus(ctx context.Context, f corpus.Format, a variant) error {
	return b.with(ctx, uses{nats: true}, func(ctx context.Context, r *env) error {
		stream, err := r.openBus(ctx)
		if err != nil {
			return err
		}
		defer stream.Close()
		unix.Sync()
		before, err := r.processorTime()
		if err != nil {
			return err
		}
		used, began := ownTime(), time.Now()
		done, err := r.publishArchive(ctx, stream, f)
		if err != nil {
			return err
		}
		seconds := time.Since(began).Seconds()
		after, err := r.processorTime()
		if err != nil {
			return err
		}
		n := float64(r.report.Corpora[f].Messages)
		r.add("bus_"+string(f), a, n/seconds)
		if f == corpus.Telegram {
			r.events = done.Published
			r.add("bus_ours", a, micro((ownTime()-used).Seconds(), n))
			r.add("bus_nats", a, micro(after.nats-before.nats, n))
		}
		r.Notify("%s to the bus: %.1f s\n", f, seconds)
		return nil
	})
}

// openBus connects to the NATS of the env and makes the streams.
func (r *env) openBus(ctx context.Context) (*bus.Bus, error) {
	b, err := bus.Connect(ctx, bus.Config{URLs: []string{r.nats.URL()}, ChatBytes: int64(r.Settings.NATS.ChatMaxBytes),
		FactsBytes: int64(r.Settings.NATS.FactsMaxBytes), BatchMessages: engine.NATSBatch, BundleEvents: r.Settings.NATS.BundleEvents, Log: r.Log})
	if err != nil {
		return nil, err
	}
	if err := b.Ensure(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// ownTime is the processor time that this process has used, without that of its children.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil { // it has no other failure than a wrong argument
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// publishArchive does what an import does until all is on the bus.
func (r *env) publishArchive(ctx context.Context, b *bus.Bus, f corpus.Format) (_ ingest.Result, err error) {
	in, err := files.Find([]string{r.archives[f]}, all.Definitions(), false)
	if err != nil {
		return ingest.Result{}, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	cursors, err := b.Cursors(ctx)
	if err != nil {
		return ingest.Result{}, err
	}
	log := slog.New(slog.DiscardHandler)
	i := importer.New(importer.Config{Options: benchOptions(), Jobs: importer.DefaultJobs(), Log: log}, in)
	result, err := i.Publish(ctx, ingest.Config{Publisher: b.Publisher(), Cursors: cursors, Batch: r.Settings.Import.Batch, Log: log})
	if err != nil {
		return result, fmt.Errorf("bringing %s to the bus: %w", f, err)
	}
	if want := r.report.Corpora[f].Messages; result.Read < want || result.Unparsed > 0 || result.Published < want {
		r.problem("of %d messages of %s %d records were read, %d of them not understood, and %d events published",
			want, f, result.Read, result.Unparsed, result.Published)
	}
	return result, nil
}

// benchOptions say what some formats do not.
func benchOptions() producers.Options { return producers.Options{Account: "bench", Zone: time.UTC} }

// Bare publishing uses atomic batches as large as every server takes, a message for each event.
const (
	bareBatch   = 1000
	bareFlights = 4
	bareSample  = 20 * bareBatch
)

// barePublishing is what this machine can publish at all: the events of the archive, encoded before, by the client library.
func (b *run) barePublishing(ctx context.Context) error {
	return b.with(ctx, uses{nats: true}, func(ctx context.Context, r *env) error {
		stream, err := r.openBus(ctx)
		if err != nil {
			return err
		}
		defer stream.Close()
		sample, err := r.sample(ctx)
		if err != nil {
			return err
		}
		js, err := jetstream.New(stream.Conn())
		if err != nil {
			return fmt.Errorf("preparing JetStream: %w", err)
		}
		unix.Sync()
		began := time.Now()
		if err := publishBare(ctx, js, sample, r.events); err != nil {
			return err
		}
		seconds := time.Since(began).Seconds()
		if last, err := stream.Reader().LastSequence(ctx); err != nil || last != uint64(r.events) {
			return errors.Join(err, fmt.Errorf("bare publishing: the stream has %d messages of %d", last, r.events))
		}
		r.add("limit_publish", measured, float64(r.report.Corpora[corpus.Telegram].Messages)/seconds)
		r.Notify("bare publishing: %.1f s\n", seconds)
		return nil
	})
}

// sample reads and encodes the first events of the archive.
func (r *env) sample(ctx context.Context) (list []*nats.Msg, err error) {
	in, err := files.Find([]string{r.archives[corpus.Telegram]}, all.Definitions(), false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	src, err := in.Files[0].Def.Archive(in.Files[0].File, benchOptions())
	if err != nil {
		return nil, err
	}
	s, err := src.Connect(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for len(list) < bareSample {
		batch, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range batch.Events {
			e := &batch.Events[i]
			data, err := event.Encode(e)
			if err != nil {
				return nil, err
			}
			list = append(list, &nats.Msg{Subject: bus.ChatSubject(e), Data: data,
				Header: nats.Header{bus.EventIDHeader: []string{e.ID.String()}}})
		}
	}
	return list, nil
}

// publishBare publishes so many messages, those of the sample over and over.
func publishBare(ctx context.Context, js jetstream.JetStream, sample []*nats.Msg, count int) error {
	g, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64 // messages that somebody publishes
	for range bareFlights {
		g.Go(func() error {
			batch := make([]*nats.Msg, bareBatch)
			for {
				first := int(taken.Add(bareBatch)) - bareBatch
				if first >= count {
					return nil
				}
				for i := range batch {
					m := sample[(first+i)%len(sample)]
					batch[i] = &nats.Msg{Subject: m.Subject, Data: m.Data, Header: nats.Header{bus.EventIDHeader: m.Header[bus.EventIDHeader]}}
				}
				// No answer but the last is waited for, as by our own publisher.
				_, err := jetstreamext.PublishMsgBatch(ctx, js, batch[:min(bareBatch, count-first)], jetstreamext.BatchFlowControl{})
				if err != nil {
					return fmt.Errorf("publishing the bare batch at %d: %w", first, err)
				}
			}
		})
	}
	return g.Wait()
}
