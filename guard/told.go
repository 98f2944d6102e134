package guard

import (
	"bytes"
	"sync/atomic"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// toldLogIn is the event of a log-in that a commit has to store, and of further ones of the
// same user until it does: together they are one. The commit may be on another goroutine than
// the handler.
type toldLogIn struct {
	event    atomic.Pointer[Event]
	standing reqstate.Slot // the stored log-in, before it
}

// covers reports whether no commit has stored the log-in yet: standing is the stored one now.
func (t *toldLogIn) covers(standing reqstate.Slot) bool {
	was := t.standing
	return was.At.Equal(standing.At) && bytes.Equal(was.User, standing.User) &&
		bytes.Equal(was.Stamp, standing.Stamp) && bytes.Equal(was.Factors, standing.Factors)
}

// add has the event say what e says, if that is more: a new session, or a user who proved who
// they are.
func (t *toldLogIn) add(e *Event) {
	old := t.event.Load()
	if old.Name != EventSessionCreated && (e.Name == EventSessionCreated || e.Reason == ReasonReauthenticated) {
		t.event.Store(e)
	}
}
