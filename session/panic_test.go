package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// TestAPanicInTheCommitLeavesNothingLocked: a middleware that recovers may use the session, and nothing
// counts as committed.
func TestAPanicInTheCommitLeavesNothingLocked(t *testing.T) {
	for _, row := range []struct {
		name string
		op   string // "" for an Update function that panics at its second run
		fail string // the store's call that panics
	}{
		{"a function of Update at its second run", "", ""},
		{"a store's Get", "set a 1", "Get"},
		{"a store's Update", "set a 1", "Update"},
		{"a store's Create", "login 2", "Create"},
		{"a store's End", "logout", "End"},
		{"a store's Labelled index", "link x", "AddLabel"},
	} {
		for _, recovery := range []struct {
			where  string
			inside bool
			writes bool
			status int
		}{{"outside", false, true, 500}, {"inside, and writes", true, true, 503}, {"inside, and is silent", true, false, 503}} {
			t.Run(row.name+", recovered "+recovery.where, func(t *testing.T) {
				st := newScripted()
				m := newManager(t, st)
				b := open(t, m)
				b.Get(path("login 1", "set a 0")).Want(t, 200, "")
				before := st.record(st.ids()[0])
				panicking := false
				st.before = func(_ context.Context, c call) sessiontest.Fate {
					if panicking && c.Op == row.fail {
						panic("made up")
					}
					if c.Op == "Update" && row.op == "" { // another request was faster
						st.mu.Lock()
						st.records[c.ID] = []byte(before[:len(before)-1] + `,"rival":1}`)
						st.mu.Unlock()
					}
					return sessiontest.Pass
				}
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					panicking = true
					s, err := session.FromContext(r.Context())
					if err != nil {
						t.Error(err)
					}
					runs := 0
					if row.op != "" {
						err = do(r.Context(), m, row.op)
					} else {
						err = count.Update(s, func(n int) (int, error) {
							if runs++; runs == 2 {
								panic("made up")
							}
							return n + 1, nil
						})
					}
					if err != nil {
						t.Error(err)
					}
					fmt.Fprint(w, "done")
				})
				recovers := func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() {
							if recover() == nil {
								t.Error("nothing panicked")
							}
							panicking = false
							touch(t, r)
							if recovery.writes {
								http.Error(w, "panicked", 500)
							}
						}()
						next.ServeHTTP(w, r)
					})
				}
				h := recovers(m.Handler(handler))
				if recovery.inside {
					h = m.Handler(recovers(handler))
				}
				if row.fail == "Get" && recovery.inside {
					recovery.status = map[bool]int{true: 500, false: 200}[recovery.writes] // no commit has panicked
				}
				r := httptest.NewRequest("GET", "/", nil)
				r.AddCookie(&http.Cookie{Name: cookieName, Value: b.Cookie(cookieName)})
				w := newRecorder()
				h.ServeHTTP(w, r)
				if w.Code != recovery.status || len(w.Header()["Set-Cookie"]) != 0 || w.Body.String() == "done" {
					t.Errorf("got %d %q and cookies %q, want %d and none", w.Code, w.Body, w.Header()["Set-Cookie"], recovery.status)
				}
			})
		}
	}
}

// touch uses the session of r, if it has one, which must not wait for ever.
func touch(t *testing.T, r *http.Request) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s, err := session.FromContext(r.Context())
		if errors.Is(err, session.ErrNoHandler) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		_ = s.Ref()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("the session is locked for ever")
	}
}

// TestNothingChangesAfterAPanicInTheCommit: a part of the commit may be stored.
func TestNothingChangesAfterAPanicInTheCommit(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "Create" {
			panic("made up")
		}
		return sessiontest.Pass
	}
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Error(err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = text.Set(s, "v")
			w.WriteHeader(http.StatusCreated)
		}()
		if err := text.Set(s, "again"); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("a change: got %v, want ErrCommitted", err)
		}
		if err := s.Save(r.Context()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Save: got %v, want ErrCommitted", err)
		}
	}))
	w := newRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", w.Code)
	}
}
