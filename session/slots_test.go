package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// with runs f as a handler of m for the visitor b, and returns the response.
func with(t *testing.T, m *session.Manager, b *browser.Browser, f func(ctx context.Context, slots reqstate.Slots)) *httptest.ResponseRecorder {
	t.Helper()
	w := newRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f(r.Context(), reqstate.Of(r.Context(), m).Slots)
	})).ServeHTTP(w, b.Request("GET", "/", ""))
	for _, c := range w.Result().Cookies() {
		b.SetCookie(c.Name, c.Value)
	}
	return w
}

func TestStepUpReplacesTheFactsUnderANewId(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1", "set text v")).Want(t, 200, "")
	was := b.Cookie(cookieName)
	at := time.UnixMilli(1795442400123)
	with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		slot, err := slots.Slot(ctx, "passport")
		if err != nil {
			t.Fatal(err)
		}
		slot.At, slot.Factors, slot.Stamp = time.Now(), json.RawMessage(`{"local":1,"totp":1795442400123}`), []byte("stamp")
		if err := slots.StepUp(ctx, "passport", "1", slot); err != nil {
			t.Error(err)
		}
	})
	if b.Cookie(cookieName) == was {
		t.Error("the id did not change")
	}
	with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		slot, err := slots.Slot(ctx, "passport")
		if err != nil {
			t.Fatal(err)
		}
		if ms, ok := rawjson.Int(rawjson.Find(slot.AllFactors(), "totp")); !ok || ms != at.UnixMilli() || string(slot.Stamp) != "stamp" {
			t.Errorf("factor totp at %d, stamp %q", ms, slot.Stamp)
		}
		if rawjson.Find(slot.AllFactors(), "sms") != nil {
			t.Error("a factor that was not proved is there")
		}
		slot.User = json.RawMessage(`2`)
		if err := slots.StepUp(ctx, "passport", "1", slot); !errors.Is(err, session.ErrSessionChanged) {
			t.Errorf("StepUp as another user = %v, want ErrSessionChanged", err)
		}
	})
	b.Get(path()).Want(t, 200, `"text":"v"`)
}

func TestTake(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("set returnTo /there")).Want(t, 200, "")
	with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		raw, err := slots.Take(ctx, "returnTo")
		if string(raw) != `"/there"` || err != nil {
			t.Errorf("Take() = %s, %v", raw, err)
		}
		if raw, err := slots.Take(ctx, "returnTo"); raw != nil || err != nil {
			t.Errorf("the second Take() = %s, %v", raw, err)
		}
	})
	if got := b.Get(path()).Text; strings.Contains(got, "there") {
		t.Errorf("the key is still in the record: %s", got)
	}
}

func TestRereadAsksTheAuthorityAndKeepsTheChanges(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	other := browserOf(t, b, newManager(t, st))
	with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		if err := do(ctx, m, "set mine 1"); err != nil {
			t.Error(err)
		}
		other.Get(path("set theirs 1")).Want(t, 200, "")
		if err := slots.Reread(ctx); err != nil {
			t.Error(err)
		}
	})
	b.Get(path()).Want(t, 200, `"theirs":"1","mine":"1"`)

	with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		if _, err := slots.Slot(ctx, "passport"); err != nil {
			t.Error(err)
		}
		other.Get(path("logout")).Want(t, 200, "")
		if err := slots.Reread(ctx); !errors.Is(err, session.ErrSessionEnded) {
			t.Errorf("Reread() after a log-out = %v, want ErrSessionEnded", err)
		}
		if slot, err := slots.Slot(ctx, "passport"); slot.User != nil || err != nil {
			t.Errorf("the log-in still shows: %s, %v", slot.User, err)
		}
	})
	with(t, m, open(t, m), func(ctx context.Context, slots reqstate.Slots) {
		if err := slots.Reread(ctx); err != nil {
			t.Errorf("Reread() of a visitor without a session = %v", err)
		}
	})
}

func TestRereadOfAnotherUsersSession(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	w := with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		if err := do(ctx, m, "set mine 1"); err != nil {
			t.Error(err)
		}
		st.put(id, strings.Replace(st.record(id), `"user":1`, `"user":2`, 1))
		if err := slots.Reread(ctx); !errors.Is(err, session.ErrSessionChanged) {
			t.Errorf("Reread() = %v, want ErrSessionChanged", err)
		}
	})
	if got := st.record(id); strings.Contains(got, "mine") {
		t.Errorf("the change is in the other user's session (%d): %s", w.Code, got)
	}
}

func TestLogInWithALifetimeOfItsOwn(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	week := 7 * 24 * time.Hour
	w := with(t, m, open(t, m), func(ctx context.Context, slots reqstate.Slots) {
		if err := slots.LogIn(ctx, reqstate.LogIn{Key: "passport", Slot: reqstate.Slot{User: json.RawMessage(`1`)}, MaxAge: &week}); err != nil {
			t.Error(err)
		}
	})
	if got := w.Header().Get("Set-Cookie"); !strings.Contains(got, "; Expires=") || st.ttls[st.ids()[0]] != week {
		t.Errorf("Set-Cookie %q, ttl %v", got, st.ttls[st.ids()[0]])
	}
}

func TestSlotsOfNobody(t *testing.T) {
	for _, passport := range []string{`{}`, `{"user":null}`, `{"user":false}`, `{"user":""}`, `null`, `5`, `"x"`, `[]`, `{"user":1,"go":{"for":1,"at":1}},"_go":{"b":1}`} {
		st := newScripted()
		m := newManager(t, st)
		b := open(t, m)
		b.Get(path("set a 1")).Want(t, 200, "")
		id := st.ids()[0]
		st.put(id, `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":`+passport+`}`)
		b.Get(path("slot")).Want(t, 503, "nobody is logged in")
	}
	for _, passport := range []string{`{"user":0}`, `{"user":"0"}`, `{"user":{"id":1,"role":"admin"}}`, `{"user":1,"go":{"for":2,"at":1}}`, `{"user":1,"go":5}`, `{"user":[]}`} {
		st := newScripted()
		m := newManager(t, st)
		b := open(t, m)
		b.Get(path("set a 1")).Want(t, 200, "")
		id := st.ids()[0]
		st.put(id, `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":`+passport+`}`)
		b.Get(path("slot")).Want(t, 200, "")
	}
}

// bare is a store with only the four methods of session.Store.
type bare struct{ s *scripted }

func (b bare) Get(ctx context.Context, id string) ([]byte, error) { return b.s.Get(ctx, id) }
func (b bare) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	return b.s.Create(ctx, id, data, ttl)
}
func (b bare) Update(ctx context.Context, id string, old, data []byte, ttl time.Duration) error {
	return b.s.Update(ctx, id, old, data, ttl)
}
func (b bare) Delete(ctx context.Context, id string, old []byte) error {
	return b.s.Delete(ctx, id, old)
}

func TestAStoreOfFourMethodsIsEnough(t *testing.T) {
	st := newScripted()
	m := newManager(t, bare{st})
	b := open(t, m)
	for _, o := range []string{"set keep 1", "login 1", "inc", "renew", "inc", "login 9 admin", "logout", "slot admin", "regenerate n"} {
		b.Get(path(o)).Want(t, 200, "")
	}
	b.Get(path()).Want(t, 200, `"n":2`)
	b.Get(path("login 1", "logout")).Want(t, 200, "")
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d records are left", got)
	}
	b.Get(path("link x")).Want(t, 503, "no index")
	if _, err := m.DestroyLinked(t.Context(), "passport:1"); err == nil {
		t.Error("DestroyLinked without an index succeeded")
	}
	for _, err := range m.Linked(t.Context(), "passport:1") {
		if err == nil {
			t.Error("Linked without an index yields")
		}
	}
	b.Get(path("login 1")).Want(t, 200, "")
	b.Get(path("revoke", "slot")).Want(t, 503, "nobody")
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d records are left after revoking", got)
	}
}

func TestAStoreThatNeverAnswersIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in the bubble the time limit does not depend on the machine
		st := newScripted()
		m := newManager(t, st, func(c *session.Config) { c.StoreTimeout = 5 * time.Millisecond })
		b := open(t, m)
		b.Get(path("login 1")).Want(t, 200, "")
		was := b.Cookie(cookieName)
		st.before = func(ctx context.Context, _ call) sessiontest.Fate { <-ctx.Done(); return sessiontest.Pass }
		for _, o := range []string{"slot", "set a 1", "login 2", "logout", "renew"} {
			a := b.Get(path(o))
			if a.StatusCode != 503 || len(a.Header["Set-Cookie"]) != 0 || b.Cookie(cookieName) != was {
				t.Errorf("%s: %d, cookies %q", o, a.StatusCode, a.Header["Set-Cookie"])
			}
		}
		b.Get("/public").Want(t, 200, "public")
		st.before = func(ctx context.Context, c call) sessiontest.Fate {
			if c.Op == "Get" {
				return sessiontest.Pass
			}
			<-ctx.Done()
			return sessiontest.Pass
		}
		for _, o := range []string{"set a 1", "login 2", "logout", "renew", "link x", "destroy"} {
			a := b.Get(path(o))
			if a.StatusCode != 503 || len(a.Header["Set-Cookie"]) != 0 || b.Cookie(cookieName) != was {
				t.Errorf("%s: %d, cookies %q", o, a.StatusCode, a.Header["Set-Cookie"])
			}
		}
		b.Get(path("slot")).Want(t, 200, "")
	})
}

func TestSavingByHand(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	a := b.Get(path("login 1", "save", "set text after"))
	a.Want(t, 200, "after")
	if got := len(a.Header["Set-Cookie"]); got != 1 {
		t.Errorf("%d cookies, want 1: %q", got, a.Header["Set-Cookie"])
	}
	a = b.Get(path("renew", "save", "logout"))
	if got := a.Header["Set-Cookie"]; len(got) != 1 || !strings.Contains(got[0], "1970") {
		t.Errorf("cookies %q, want the one that makes it expire", got)
	}
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d records are left", got)
	}
	// The result of an earlier successful Save stays when a later commit fails: its cookie is sent.
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "Update" {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
	a = b.Get(path("login 1", "save", "set text lost"))
	if a.StatusCode != 503 || len(a.Header["Set-Cookie"]) != 1 {
		t.Errorf("got %d, cookies %q", a.StatusCode, a.Header["Set-Cookie"])
	}
	b.Get(path("slot")).Want(t, 200, "")
}

func TestFlash(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("flash one", "flash two")).Want(t, 200, `"flash":{"info":["one","two"]}`)
	with(t, m, b, func(ctx context.Context, _ reqstate.Slots) {
		s, err := m.Session(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Flashes("info"); strings.Join(got, " ") != "one two" || err != nil {
			t.Errorf("Flashes() = %q, %v", got, err)
		}
		if got, err := s.Flashes("info"); len(got) != 0 || err != nil {
			t.Errorf("the second Flashes() = %q, %v", got, err)
		}
	})
	b.Get(path()).Want(t, 200, `"flash":{}`)
	id := st.ids()[0]
	st.put(id, `{"cookie":{"originalMaxAge":null,"expires":null},"flash":5}`)
	b.Get(path("flash x")).Want(t, 200, `"flash":{"info":["x"]}`)
	st.put(id, `{"cookie":{"originalMaxAge":null,"expires":null},"flash":{"info":5}}`)
	b.Get(path("flash x")).Want(t, 200, `"flash":{"info":["x"]}`)
}
