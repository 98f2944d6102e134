package session

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// answer is what commits and guards add to the response of a request. Most requests have none. It is
// protected by the Session's mutex.
type answer struct {
	sent    []sentCookie // of the commits that succeeded
	after   []afterCommit
	repeats string   // the key of a log-in, not yet in after, of the user who is logged in there already
	stored  []string // keys whose last log-in or step-up of this request a commit has stored
	cookies []string // guards' Set-Cookie lines
	offer   string   // the header that offers the registration of a key; empty for none
}

// sentCookie is a Set-Cookie line and the cookie that it sets.
type sentCookie struct {
	cookies.Scope
	line string
}

// afterCommit is a function of AfterCommit, and if it has a key, the state of that log-in.
type afterCommit struct {
	key      string
	f        func(err error, repeated bool)
	fate     fate
	repeated bool // the same user was logged in again before a commit stored it
}

type fate uint8

const (
	open     fate = iota // no commit has carried it out yet
	stored               // a commit has stored it
	leaving              // and a pending change replaces or drops it
	replaced             // and a committed change replaced or dropped it
	dropped              // it was dropped or replaced before a commit stored it
)

// toAnswer returns q.left for changing.
func (q *request) toAnswer() *answer {
	if q.left == nil {
		q.left = new(answer)
	}
	return q.left
}

// outcome returns what the function gets after a last commit that ended with err.
func (a *afterCommit) outcome(err error) error {
	switch {
	case a.key == "":
		return err
	case a.fate == stored, a.fate == leaving:
		return nil
	case a.fate == replaced:
		return reqstate.ErrReplaced
	case a.fate == dropped, err == nil:
		return reqstate.ErrDropped
	}
	return err
}

// carriedOut records that a commit has carried out the pending changes and stored the log-ins and step-ups
// under keys.
func (a *answer) carriedOut(keys []string) {
	if slices.Contains(keys, a.repeats) { // its own AfterCommit is still to come, and reports it
		a.repeated()
	}
	a.stored = append(a.stored, keys...)
	for i := range a.after {
		switch f := &a.after[i]; {
		case f.fate == leaving:
			f.fate = replaced
		case f.fate == open && slices.Contains(keys, f.key):
			f.fate = stored
		}
	}
}

// continued records that the log-in under key is pending again: the same user's, or a step-up.
func (a *answer) continued(key string) {
	a.stored = slices.DeleteFunc(a.stored, func(k string) bool { return k == key })
}

// planned records that a different change is pending under key. It replaces the log-ins and step-ups of
// this request there; a stored one is replaced when a commit has carried the change out.
func (a *answer) planned(key string) {
	a.continued(key)
	for i := range a.after {
		switch f := &a.after[i]; {
		case f.key != key:
		case f.fate == open:
			f.fate = dropped
		case f.fate == stored:
			f.fate = leaving
		}
	}
}

// ended is planned for a log-out under key, or under every key if key is "". It cannot be undone.
func (a *answer) ended(key string) {
	for i := range a.after {
		if f := &a.after[i]; f.key != "" && (key == "" || f.key == key) {
			a.planned(f.key)
			if f.fate == leaving {
				f.fate = replaced
			}
		}
	}
}

// repeated moves the AfterCommit functions of the earlier log-ins to the log-in that repeats them.
func (a *answer) repeated() {
	for i := range a.after {
		if f := &a.after[i]; f.key == a.repeats && f.fate == open {
			f.repeated = true
		}
	}
	a.repeats = ""
}

// forgotten records that nothing is pending any more; what was stored stays.
func (a *answer) forgotten() {
	a.repeats = ""
	for i := range a.after {
		switch f := &a.after[i]; {
		case f.fate == leaving:
			f.fate = stored
		case f.fate == open && f.key != "":
			f.fate = dropped
		}
	}
}

// plannedWithout is planned for a new id, for the keys whose log-ins are removed, as gone reports.
func (a *answer) plannedWithout(gone func(key string) bool) {
	for _, f := range a.after {
		if f.key != "" && gone(f.key) {
			a.planned(f.key)
		}
	}
}

func (t *slots) Guarded(f func(http.ResponseWriter, *http.Request, error), noStore bool) {
	s := (*Session)(t)
	s.lock()
	s.req.guarded = f
	s.req.w.noStore = s.req.w.noStore || noStore
	s.mu.Unlock()
}

func (t *slots) AfterCommit(key string, f func(err error, repeated bool)) {
	s := (*Session)(t)
	s.lock()
	left := s.req.toAnswer()
	if left.repeats != "" && left.repeats == key {
		left.repeated()
	}
	after := afterCommit{key: key, f: f}
	if slices.Contains(left.stored, key) {
		after.fate = stored
	}
	if !s.closed {
		left.after = append(left.after, after)
		s.mu.Unlock()
		return
	}
	err := after.outcome(s.req.w.err)
	s.mu.Unlock()
	f(err, false)
}

func (t *slots) AddCookie(line string) {
	s := (*Session)(t)
	name, _, _ := strings.Cut(line, "=")
	s.lock()
	defer s.mu.Unlock()
	left := s.req.toAnswer()
	same := func(l string) bool { return strings.HasPrefix(l, name+"=") }
	left.cookies = append(slices.DeleteFunc(left.cookies, same), line)
}
