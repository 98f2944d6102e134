package protocol

import (
	"context"
	"errors"
	"time"
)

// Outcome is what a commit did, and what to send to the browser. The zero value means that there
// was nothing to do.
type Outcome struct {
	Did    Done     // to the session
	Cookie Cookie   // for the browser
	LogIns []string // slot keys of the log-ins and step-ups that were stored
}

// Done is what a commit did to the session.
type Done uint8

// The values of Done. Nothing is also the result of a refresh that failed (S12).
const (
	Nothing   Done = iota
	Refreshed      // the idle timeout was restarted
	Updated        // values were written under the same id
	Created        // a session without a record got one
	Rotated        // the session has a new id
	Ended          // a log-out is done
)

// Cookie is what happens to the browser's cookies.
type Cookie uint8

// Only a new id and an end change the cookie (S13).
const (
	Keep         Cookie = iota // no change
	Send                       // the cookie carries the session's id
	Expire                     // every presented cookie expires
	ExpireOthers               // the cookie carries the session's id, every other one expires
)

// errUnfinished is the error of a visit after a panic during its commit.
var errUnfinished = errors.New("session: save: a panic left the commit unfinished")

// Commit carries out what is pending, or restarts the idle timeout if that is due at now. It has
// its own time limit. After ErrEnded or ErrChanged the changes are dropped and the session
// cannot be written any more. Any other error is an outage: the changes stay pending, and
// committing again is safe. After a panic of the store or of a change, every later commit
// is an error, and no change, log-in or log-out is accepted.
func (v *Visit) Commit(ctx context.Context, now time.Time) (Outcome, error) {
	switch {
	case v.phase == unfinished:
		return Outcome{}, v.cause
	case v.phase != ready || !v.Due(now):
		return Outcome{}, nil // if the session is over, the caller of the change got the error
	}
	v.phase, v.cause = unfinished, errUnfinished
	ctx, cancel := v.p.bounded(ctx)
	defer cancel()
	out, err := v.carryOut(ctx)
	v.phase, v.cause = ready, nil
	for _, key := range out.LogIns { // they are new: an earlier revocation does not concern them
		delete(v.hidden, key)
	}
	if errors.Is(err, v.p.Ended) || errors.Is(err, v.p.Changed) {
		v.finish(err)
	}
	return out, err
}

// Due reports whether Commit may have something to do at now.
func (v *Visit) Due(now time.Time) bool {
	return v.draft != nil || v.phase == unfinished || v.ID != "" && (!v.unused || v.base.Unnoted()) && v.base.RefreshDue(v.p.Terms, now)
}

// carryOut chooses the commands for the plan. Nothing else does.
func (v *Visit) carryOut(ctx context.Context) (Outcome, error) {
	switch {
	case v.draft == nil:
		return v.refresh(ctx), nil
	case v.plan.end:
		return v.commitEnd(ctx)
	case len(v.plan.leaving) > 0:
		return v.commitLeave(ctx)
	case v.ID == "":
		return v.commitNew(ctx)
	case v.plan.rotate:
		return v.commitRotation(ctx)
	}
	return v.commitUpdate(ctx)
}
