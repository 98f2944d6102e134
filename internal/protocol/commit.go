package protocol

import (
	"context"
	"errors"
	"time"
)

// Outcome is what a commit did, and what the browser is to be told. The zero value says
// that there was nothing to do.
type Outcome struct {
	Did    Done     // to the session
	Cookie Cookie   // for the browser
	LogIns []string // slot keys of the log-ins and step-ups that were stored
}

// Done is what became of the session.
type Done uint8

// What a commit did. Nothing also stands for a refresh that failed (S12).
const (
	Nothing   Done = iota
	Refreshed      // the idle timeout was moved
	Updated        // values were written under the same id
	Created        // a session that had no record has one
	Rotated        // the session has a new id
	Ended          // a log-out: all that was to end has ended
)

// Cookie is what the browser is to do with its cookies.
type Cookie uint8

// The cookie is touched only by a new id and by an end (S13).
const (
	Keep         Cookie = iota // no change
	Send                       // the cookie carries the session's id
	Expire                     // every cookie that was presented is dead
	ExpireOthers               // the cookie carries the session's id, every other one is dead
)

// errUnfinished is what a visit says after a panic inside its commit.
var errUnfinished = errors.New("session: save: a panic left the commit unfinished")

// Commit carries out what is pending, or refreshes the session when at now the time for
// it has come. It has its own time limit. The error is ErrEnded or ErrChanged: the changes
// are dropped and nothing is written any more; any other is an outage: the changes stay,
// based on the record that they were made on, and committing again is safe. After a
// panic of the store or of a change, every later commit is an error, and no change, log-in
// or log-out is taken.
func (v *Visit) Commit(ctx context.Context, now time.Time) (Outcome, error) {
	switch {
	case v.phase == unfinished:
		return Outcome{}, v.cause
	case v.phase != ready || !v.Due(now):
		return Outcome{}, nil // after an end, the caller of the change got the error
	}
	v.phase, v.cause = unfinished, errUnfinished
	ctx, cancel := v.p.bounded(ctx)
	defer cancel()
	out, err := v.carryOut(ctx)
	v.phase, v.cause = ready, nil
	for _, key := range out.LogIns { // a log-in that a guard revoked hides this one no more
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

// carryOut is the one place where a plan becomes commands.
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
