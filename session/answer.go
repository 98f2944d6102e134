package session

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// answer is what commits and guards leave for the answer to a request. Few do. It is protected
// by the Session's mutex.
type answer struct {
	sent    []sentCookie // of the commits that succeeded
	after   []afterCommit
	stored  []string // slot keys of the log-ins and step-ups that commits of this request stored
	cookies []string // guards' Set-Cookie lines
}

// sentCookie is a Set-Cookie line, and the cookie that it is about.
type sentCookie struct {
	cookies.Scope
	line string
}

type afterCommit struct {
	key string
	f   func(error)
}

// toAnswer returns q.left to write.
func (q *request) toAnswer() *answer {
	if q.left == nil {
		q.left = new(answer)
	}
	return q.left
}

// outcome returns what functions of AfterCommit get for key after a commit that ended in err.
func (a *answer) outcome(key string, err error) error {
	switch {
	case key == "":
		return err
	case slices.Contains(a.stored, key):
		return nil
	case err == nil:
		return reqstate.ErrDropped
	}
	return err
}

func (t *slots) Guarded(f func(http.ResponseWriter, *http.Request, error), noStore bool) {
	s := (*Session)(t)
	s.lock()
	s.req.guarded = f
	s.req.w.noStore = s.req.w.noStore || noStore
	s.mu.Unlock()
}

func (t *slots) AfterCommit(key string, f func(error)) {
	s := (*Session)(t)
	s.lock()
	left := s.req.toAnswer()
	if !s.closed {
		left.after = append(left.after, afterCommit{key, f})
		s.mu.Unlock()
		return
	}
	err := left.outcome(key, s.req.w.err)
	s.mu.Unlock()
	f(err)
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
