package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/punctual"
	"github.com/seed-6f34412b/passport/session"
)

// check is a rule that is being checked on one store.
type check struct {
	reporter
	session.Store
	ender    session.Ender
	index    session.Index
	iterator session.Iterator
	master   session.PrimaryReader
	batch    session.Batch
	starting session.Combiner // of log-ins
	ending   session.Combiner // of log-outs
	notifier session.Notifier
	advance  func(time.Duration)
	rule     string
}

// reporter is the part of *testing.T that rules use.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// hour is a time to live that ends only through advance.
const hour = time.Hour

// wrong fails the test and says which rule is broken.
func (k *check) wrong(format string, args ...any) {
	k.Helper()
	k.Errorf("%s\nthe contract says: %q", fmt.Sprintf(format, args...), k.rule)
}

// must stops the test if a preparing step fails.
func (k *check) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatalf("a step to prepare the rule failed: %v", err)
	}
}

// is checks an error; want nil means success.
func (k *check) is(what string, got, want error) {
	k.Helper()
	if !errors.Is(got, want) {
		k.wrong("%s: got error %v, want %v", what, got, want)
	}
}

// fails checks that there is an error, and not one that the contract defines.
func (k *check) fails(what string, got error) {
	k.Helper()
	for _, answer := range []error{nil, session.ErrNotFound, session.ErrExists, session.ErrConflict} {
		if errors.Is(got, answer) {
			k.wrong("%s: got error %v, want one that is an outage", what, got)
		}
	}
}

// conflict checks that err is a *Conflict with the given bytes.
func (k *check) conflict(what string, err error, current string) {
	k.Helper()
	var c *session.Conflict
	if !errors.As(err, &c) || !errors.Is(err, session.ErrConflict) {
		k.wrong("%s: got error %v, want a *Conflict", what, err)
		return
	}
	if c.Current == nil || string(c.Current) != current {
		k.wrong("%s: got Conflict.Current %s (nil: %t), want %s", what, short(c.Current), c.Current == nil, short(current))
	}
}

// create stores the record for a rule.
func (k *check) create(id, data string, ttl time.Duration) {
	k.Helper()
	k.must(k.Create(context.Background(), id, []byte(data), ttl))
}

// holds checks that id has the record want.
func (k *check) holds(id, want string) {
	k.Helper()
	got, err := k.read(id, func(got []byte, err error) bool { return err == nil && string(got) == want })
	if err != nil || string(got) != want {
		k.wrong("Get(%q): got %s and error %v, want %s", id, short(got), err, short(want))
	}
}

// gone checks that id has no record.
func (k *check) gone(id string) {
	k.Helper()
	got, err := k.read(id, func(_ []byte, err error) bool { return errors.Is(err, session.ErrNotFound) })
	if !errors.Is(err, session.ErrNotFound) {
		k.wrong("Get(%q): got %s and error %v, want ErrNotFound", short(id), short(got), err)
	}
}

// read calls Get. If Get may be stale and its answer is not right, the primary is asked.
func (k *check) read(id string, right func([]byte, error) bool) ([]byte, error) {
	got, err := k.Get(context.Background(), id)
	if k.master != nil && !right(got, err) && (err == nil || errors.Is(err, session.ErrNotFound)) {
		return k.master.GetPrimary(context.Background(), id)
	}
	return got, err
}

// short returns text for a message, cut if it is long.
func short[T string | []byte](text T) string {
	if len(text) > 64 {
		return fmt.Sprintf("%q... (%d bytes)", text[:64], len(text))
	}
	return fmt.Sprintf("%q", text)
}

// tombstones reports whether the store under test keeps them: an ended id then stays unknown even if it is
// written back.
func (k *check) tombstones() bool {
	k.Helper()
	ctx := context.Background()
	const id = "tombstone-probe"
	k.create(id, "x", hour)
	_, err := k.ender.End(ctx, id, nil, "", hour)
	k.must(err)
	k.create(id, "x", hour)
	_, err = k.read(id, func(_ []byte, err error) bool { return errors.Is(err, session.ErrNotFound) })
	k.must(k.Delete(ctx, id, nil))
	return errors.Is(err, session.ErrNotFound)
}

// ended calls End and stops the test if that fails.
func (k *check) ended(id string, old []byte, next string, life time.Duration) (successor string) {
	k.Helper()
	successor, err := k.ender.End(context.Background(), id, old, next, life)
	if err != nil {
		k.wrong("End(%q): got error %v, want none", id, err)
	}
	return successor
}

// punctual begins the part of a rule that [punctual.Within] is for. The function that it returns ends that
// part: what is to be gone is gone also on a busy machine.
func (k *check) punctual(left time.Duration) (end func()) {
	advance, all := k.advance, k.reporter
	k.reporter, k.advance = punctual.Within(all, advance, left)
	return func() { k.advance, k.reporter = advance, all }
}
