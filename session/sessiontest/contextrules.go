package sessiontest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const honoursContext = "Every method honours ctx: when it ends, the method returns soon, at most two seconds later, with an error that wraps the context's."

// calls returns a call of every method that the store has. They use the record "id", which contains "x";
// Create uses "new".
func (k *check) calls() map[string]func(context.Context) error {
	calls := map[string]func(context.Context) error{
		"Get":              func(ctx context.Context) error { _, err := k.Get(ctx, "id"); return err },
		"Create":           func(ctx context.Context) error { return k.Create(ctx, "new", []byte("x"), hour) },
		"Update":           func(ctx context.Context) error { return k.Update(ctx, "id", []byte("x"), []byte("x"), hour) },
		"Delete":           func(ctx context.Context) error { return k.Delete(ctx, "unknown", nil) },
		"comparing Delete": func(ctx context.Context) error { return k.Delete(ctx, "id", []byte("y")) },
	}
	if k.ender != nil {
		calls["End"] = func(ctx context.Context) error { _, err := k.ender.End(ctx, "ended", nil, "next", hour); return err }
	}
	if k.index != nil {
		calls["AddLabel"] = func(ctx context.Context) error { return k.index.AddLabel(ctx, "label", "id", time.Now().Add(hour)) }
		calls["RemoveLabel"] = func(ctx context.Context) error { return k.index.RemoveLabel(ctx, "label", "id") }
		calls["Labelled"] = func(ctx context.Context) error { _, err := k.index.Labelled(ctx, "label"); return err }
	}
	if k.iterator != nil {
		calls["All"] = func(ctx context.Context) (err error) {
			for _, err = range k.iterator.All(ctx) {
			}
			return err
		}
	}
	if k.master != nil {
		calls["GetPrimary"] = func(ctx context.Context) error { _, err := k.master.GetPrimary(ctx, "id"); return err }
	}
	if k.batch != nil {
		calls["GetMany"] = func(ctx context.Context) error { _, err := k.batch.GetMany(ctx, []string{"id", "unknown"}); return err }
		calls["EndMany"] = func(ctx context.Context) error {
			_, err := k.batch.EndMany(ctx, []string{"ended", "unknown"}, hour)
			return err
		}
	}
	if k.starting != nil {
		calls["CreateIndexed"] = func(ctx context.Context) error {
			_, err := k.starting.CreateIndexed(ctx, session.NewRecord{ID: "both", TTL: hour, Deadline: time.Now().Add(hour), Labels: []string{"label"}})
			if errors.Is(err, session.ErrExists) { // expected at the second call
				return nil
			}
			return err
		}
	}
	if k.ending != nil {
		calls["EndIndexed"] = func(ctx context.Context) error {
			_, err := k.ending.EndIndexed(ctx, "ended", hour, []string{"label"})
			return err
		}
		if _, err := k.ending.EndManyIndexed(context.Background(), nil, hour, nil); !errors.Is(err, errors.ErrUnsupported) {
			calls["EndManyIndexed"] = func(ctx context.Context) error {
				_, err := k.ending.EndManyIndexed(ctx, []string{"ended", "unknown"}, hour, [][]string{{"label"}, nil})
				return err
			}
		}
	}
	return calls
}

// checkEnded calls every method with contexts that have ended.
func checkEnded(k *check) {
	k.create("id", "x", hour)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-hour))
	defer cancel()
	for name, call := range k.calls() {
		k.is(name, call(over), context.Canceled)
		k.is(name, call(late), context.DeadlineExceeded)
	}
	if k.notifier != nil {
		k.is("Listen", k.notifier.Listen(over, func(string) {}), context.Canceled)
		k.is("Listen", k.notifier.Listen(late, func(string) {}), context.DeadlineExceeded)
	}
	k.holds("id", "x")
	k.gone("new")
}

// checkEnding calls every method with a context that is cancelled at the same moment.
func checkEnding(k *check) {
	k.create("id", "x", hour)
	for name, call := range k.calls() {
		for range 20 {
			ctx, cancel := context.WithCancel(context.Background())
			go cancel()
			err := call(ctx)
			<-ctx.Done()
			known := err == nil || errors.Is(err, context.Canceled) ||
				name == "Create" && errors.Is(err, session.ErrExists) || name == "comparing Delete" && errors.Is(err, session.ErrConflict)
			if !known {
				k.wrong("%s beside the end of its context: got error %v, want its answer or the context's error", name, err)
			}
		}
	}
	for range 20 { // after the call returns, the caller may change its slice
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		next := []byte("x")
		_ = k.Update(ctx, "id", []byte("x"), next, hour)
		next[0] = '!'
		<-ctx.Done()
	}
	k.holds("id", "x")
}

// soon is how long a method may take to return after its context has ended, doubled for a busy machine.
const soon = 2 * 2 * time.Second

// RunSilent checks that every method returns soon after its context has ended although
// the database does not answer: a network that lost a packet, a server that hangs.
//
// newStore returns an empty store whose abilities are those that are checked, and
// silence, which makes its database answer nothing until the function that it returns
// is called. The time that a test takes is real, a few seconds.
func RunSilent(t *testing.T, newStore func(t *testing.T) (s session.Store, silence func() (end func()))) {
	for name, row := range map[string]struct {
		want     error
		deadline time.Duration // 0: none
	}{
		"cancelled": {context.Canceled, 0},
		"cancelled, and its deadline is far away":   {context.Canceled, time.Minute},
		"cancelled, and its deadline is a second":   {context.Canceled, time.Second},
		"its deadline comes while the server hangs": {context.DeadlineExceeded, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s, silence := newStore(t)
			k := newCheck(t, s, nil, honoursContext)
			k.create("id", "x", hour)
			for _, call := range k.calls() { // so that connections are open and scripts loaded
				_ = call(context.Background())
			}
			k.must(k.Delete(context.Background(), "new", nil))
			k.must(k.Delete(context.Background(), "id", nil))
			end := silence()
			defer end()
			var all sync.WaitGroup
			for name, call := range k.calls() {
				all.Go(func() { k.returnsSoon(name, call, row.deadline, row.want) })
			}
			all.Wait()
		})
	}
}

// returnsSoon calls a method that will not be answered and ends its context: by its deadline, or without
// one by cancelling.
func (k *check) returnsSoon(name string, call func(context.Context) error, deadline time.Duration, want error) {
	ctx, cancel := context.WithCancel(context.Background())
	if deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, deadline)
	}
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	if errors.Is(want, context.Canceled) {
		time.AfterFunc(50*time.Millisecond, cancel)
	}
	var late <-chan time.Time
	for ended := ctx.Done(); ; {
		select {
		case <-ended:
			late, ended = time.After(soon), nil
		case <-late:
			k.wrong("%s, unanswered: did not return within %v of the end of its context", name, soon)
			return
		case err := <-done:
			if ctx.Err() != nil {
				want = ctx.Err() // a deadline may come before a timer that was to fire earlier, on a busy machine
			}
			if err != nil || name != "Get" { // a cache may answer Get
				k.is(name+", unanswered", err, want)
			}
			return
		}
	}
}
