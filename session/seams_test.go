package session_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// TestS4_ASaveWhoseAnswersWereLostIsFoundByTheNextCommit: the change is applied once.
func TestS4_ASaveWhoseAnswersWereLostIsFoundByTheNextCommit(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1", "inc")).Want(t, 200, "")
	lost := 0
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op != "Update" {
			return sessiontest.Pass
		}
		if lost++; lost <= 3 {
			return sessiontest.LoseReply
		}
		return sessiontest.Pass
	}
	c := browser.New(t, m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Session(r.Context())
		if err == nil {
			err = count.Update(s, func(n int) (int, error) { return n + 1, nil })
		}
		if err != nil {
			t.Error(err)
		}
		if err := s.Save(r.Context()); err == nil {
			t.Error("Save: got no error though every answer was lost")
		}
	})))
	c.SetCookie(cookieName, b.Cookie(cookieName))
	c.Get("/").Want(t, 200, "")
	if got := st.record(st.ids()[0]); !strings.Contains(got, `"n":2`) {
		t.Errorf("got the record %s, want n at 2", got)
	}
}

// TestS13_ALogInTakesBackThatNothingIsKept: a request from another site brought credentials after a Save
// that was to keep nothing.
func TestS13_ALogInTakesBackThatNothingIsKept(t *testing.T) {
	st := newScripted()
	b := open(t, newManager(t, st))
	r := caused{"POST", "cross-site", "navigate", "document"}.request(b.Request("GET", path("set text v", "save", "login 1"), ""))
	if a := b.Do(r); a.StatusCode != 200 || b.Cookie(cookieName) == "" || len(st.ids()) != 1 {
		t.Errorf("got status %d, cookie %t and %d records, want a log-in", a.StatusCode, b.Cookie(cookieName) != "", len(st.ids()))
	}
}

// TestAPanicOfTheStoreUnderAGuardLocksNothing: a middleware that recovers can still answer.
func TestAPanicOfTheStoreUnderAGuardLocksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a lock that stays held is a deadlock here
		st := newScripted()
		m := newManager(t, st)
		b := open(t, m)
		b.Get(path("login 1")).Want(t, 200, "")
		st.before = func(_ context.Context, c call) sessiontest.Fate {
			if c.Op == "Get" {
				panic("made up")
			}
			return sessiontest.Pass
		}
		h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					http.Error(w, "recovered", http.StatusInternalServerError)
				}
			}()
			_, err := reqstate.Of(r.Context(), m).Slots.Slot(r.Context(), "passport")
			t.Errorf("got %v, want the store's panic", err)
		}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: cookieName, Value: b.Cookie(cookieName)})
		w := newRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError {
			t.Errorf("got %d, want 500", w.Code)
		}
	})
}

// TestS10_OnlySessionsThatCarryTheLabelEnd: an entry of the index is a hint, also before Go has read what Node
// wrote.
func TestS10_OnlySessionsThatCarryTheLabelEnd(t *testing.T) {
	for _, read := range []bool{false, true} {
		st := newScripted()
		m := newManager(t, st)
		b := open(t, m)
		b.Get(path("login 1")).Want(t, 200, "")
		id := st.ids()[0]
		var rec map[string]json.RawMessage
		if err := json.Unmarshal([]byte(st.record(id)), &rec); err != nil {
			t.Fatal(err)
		}
		rec["passport"] = json.RawMessage(`{"user":2}`) // Node replaces the user under the same id
		out, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		st.put(id, string(out))
		if read {
			b.Get(path("slot")).Want(t, 200, "")
		}
		n, err := m.DestroyLinked(t.Context(), "passport:1")
		if n != 0 || err != nil || len(st.ids()) != 1 {
			t.Errorf("read by Go: %t: got %d ended, error %v and %d records left, want 0 and the session of user 2", read, n, err, len(st.ids()))
		}
	}
}

// TestS8_ALogOutSurvivesAReloadThatFindsTheSessionMoved to the id that its own renewal made.
func TestS8_ALogOutSurvivesAReloadThatFindsTheSessionMoved(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	b.Get(path("login 2 admin")).Want(t, 200, "")
	c := browser.New(t, m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Session(r.Context())
		if err == nil {
			err = reqstate.Of(r.Context(), m).Slots.LogOut(r.Context(), "admin")
		}
		if err != nil {
			t.Error(err)
			return
		}
		b.Get(path("slot admin", "renew")).Want(t, 200, "")
		_ = s.Reload(r.Context())
	})))
	c.SetCookie(cookieName, b.Cookie(cookieName))
	c.Get("/").Want(t, 200, "")
	for _, id := range st.ids() {
		if rec := st.record(id); strings.Contains(rec, `"admin":{"user":2`) {
			t.Errorf("the log-out was answered and admin is logged in: %s", rec)
		}
	}
}

// TestS8_ALogOutOutlivesTheLogInBesideIt, which the request drops: the id that it presents has a successor.
func TestS8_ALogOutOutlivesTheLogInBesideIt(t *testing.T) {
	for _, then := range [][]string{{}, {"regenerate"}, {"reload"}, {"regenerate", "set a 1"}, {"logout"}} {
		m := newManager(t, newScripted())
		b := open(t, m)
		b.Get(path("login 1")).Want(t, 200, "")
		b.Get(path("login 2 admin")).Want(t, 200, "")
		old := b.Twin()
		b.Get(path("renew")).Want(t, 200, "")
		old.Get(path(append([]string{"login 3", "logout admin"}, then...)...)).Want(t, 200, "")
		b.Get(path("slot admin")).Want(t, 503, "nobody is logged in under admin")
	}
}
