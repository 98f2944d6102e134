package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// record mounts a page that answers with the session's record, and one that answers with its log-in as
// stored.
func (w *world) record() {
	w.mux.Handle("GET /record", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			w.t.Error(err)
			return
		}
		b, err := s.ExpressJSON()
		if err != nil {
			w.t.Error(err)
		}
		rw.Write(b)
	})))
	w.mux.Handle("GET /slot", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			w.t.Error(err)
			return
		}
		raw, _, err := session.Key[json.RawMessage]("passport").Get(s)
		if err != nil {
			w.t.Error(err)
		}
		rw.Header().Set("Created", strconv.FormatInt(s.Info().Created.UnixMilli(), 10))
		rw.Write(raw)
	})))
	w.mux.Handle("GET /put", w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = session.Key[string](r.FormValue("k")).Set(s, r.FormValue("v"))
		}
		if err != nil {
			w.t.Error(err)
		}
	})))
}

// slot returns the log-in in the session of b, as JSON members. What the record leaves out is in it.
func slot(t testing.TB, b *browser.Browser) (s struct {
	User json.RawMessage
	Go   struct {
		For     json.RawMessage
		At      int64
		By      string
		Stamp   string
		Factors map[string]int64
	}
}) {
	t.Helper()
	answer := b.Get("/slot")
	if answer.Text == "" {
		return s
	}
	if err := json.Unmarshal([]byte(answer.Text), &s); err != nil {
		t.Fatal(err)
	}
	if by := s.Go.By; by != "" {
		if s.Go.At == 0 {
			s.Go.At, _ = strconv.ParseInt(answer.Header.Get("Created"), 10, 64)
		}
		s.Go.Factors = map[string]int64{by: s.Go.At}
	}
	return s
}

func TestLogInStoresWhatPassportReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		b := w.loggedIn("jen@test.com")
		s := slot(t, b)
		now := time.Now().UnixMilli()
		if string(s.User) != "2" || string(s.Go.For) != "2" || s.Go.At != now || len(s.Go.Stamp) != 22 || fmt.Sprint(s.Go.Factors) != fmt.Sprintf("map[local:%d]", now) {
			t.Errorf("got %+v, want user 2, at %d, a stamp, and the factor local", s, now)
		}
		w.store.rewrite(t, func(record string) string {
			if strings.Contains(record, password) {
				t.Errorf("the record holds the password: %s", record)
			}
			return record
		})
	})
}

func TestASVS_7_2_4_LogInRotatesSession(t *testing.T) {
	w := newWorld(t)
	w.record()
	b := w.open()
	b.Get("/put?k=cart&v=1").Want(t, 200, "")
	anonymous := b.Twin()
	before := b.Cookie(sid)
	logIn(b, "joe@test.com").Want(t, 200, "hello joe")
	first := b.Cookie(sid)
	if before == "" || first == "" || before == first {
		t.Errorf("log-in: got cookie %q after %q, want another", first, before)
	}
	anonymous.Get("/me").Want(t, 401, "")
	anonymous.Get("/record").Want(t, 200, "{")
	if text := anonymous.Get("/record").Text; strings.Contains(text, "cart") {
		t.Errorf("the old id still finds a record: %s", text)
	}
	old := b.Twin()
	logIn(b, "joe@test.com").Want(t, 200, "hello joe")
	if again := b.Cookie(sid); again == first {
		t.Errorf("re-authentication: got the same cookie")
	}
	old.Get("/me").Want(t, 401, "")
	b.Get("/me").Want(t, 200, "hello joe")
}

func TestWhatALogInKeeps(t *testing.T) {
	for _, row := range []struct {
		name   string
		before string // who was logged in
		keep   []string
		want   string
	}{
		{"an anonymous visitor keeps returnTo and flash", "", nil, "flash returnTo"},
		{"an anonymous visitor keeps what Keep names as well", "", []string{"cart"}, "cart flash returnTo"},
		{"an empty Keep is none", "", []string{}, ""},
		{"the same user keeps everything", "joe@test.com", nil, "cart flash returnTo"},
		{"another user keeps nothing", "jen@test.com", []string{"cart"}, ""},
	} {
		w := newWorld(t)
		w.record()
		w.mux.Handle("POST /keep", w.Authenticate("local")(w.LogInWith(guard.LogInOptions{Keep: row.keep})(w.hello())))
		b := w.open()
		if row.before != "" {
			logIn(b, row.before).Want(t, 200, "hello")
		}
		for _, k := range []string{"cart", "flash", "returnTo"} {
			b.Get("/put?k="+k+"&v=x").Want(t, 200, "")
		}
		b.Post("/keep", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
		var rec map[string]any
		if err := json.Unmarshal([]byte(b.Get("/record").Text), &rec); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range []string{"cart", "flash", "returnTo"} {
			if rec[k] != nil {
				got = append(got, k)
			}
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

func TestLogInTakesOnlyCredentials(t *testing.T) {
	w := newWorld(t)
	login := w.LogIn(w.hello())
	w.mux.Handle("/bare", login)
	w.mux.Handle("/session", w.Authenticate("session")(login))
	w.mux.Handle("/restored", w.Restore(login))
	b := w.loggedIn("joe@test.com")
	for _, row := range []struct {
		path, cure string
		visitor    *browser.Browser
	}{
		{"/bare", "no user was found in this request: put Authenticate", w.open()},
		{"/session", "came from the session, not from credentials: put Authenticate", b},
		{"/restored", "came from the session, not from credentials: put Authenticate", b},
	} {
		row.visitor.Get(row.path).Want(t, 500, "Internal Server Error")
		if got := w.logged(); !strings.Contains(got, row.cure) {
			t.Errorf("%s: got log %q, want it to contain %q", row.path, got, row.cure)
		}
	}
	if got := w.store.asked(); strings.Contains(got, "Create") {
		t.Errorf("got store calls %s, want no Create", got)
	}
}

func TestASerializerThatNamesNobodyLogsNobodyIn(t *testing.T) {
	w := newWorld(t)
	for i, row := range []struct {
		name   string
		id     string
		err    error
		status int
	}{
		{"nothing", "", nil, 500},
		{"null", "null", nil, 500},
		{"false", "false", nil, 500},
		{"an empty string", `""`, nil, 500},
		{"no JSON", "{", nil, 500},
		{"no UTF-8", "\"\xff\"", nil, 500},
		{"an outage", "", errOutage, 503},
	} {
		g, err := guard.New[*User](guard.Config{Sessions: w.sessions, SessionKey: fmt.Sprintf("key%d", i), Logger: w.logger()}, fixedID{row.id, row.err}, strategy.NewLocal(w.table.check))
		if err != nil {
			t.Fatal(err)
		}
		a := browser.New(t, g.Authenticate("local")(g.LogIn(w.hello()))).Post("/", "email", "joe@test.com", "password", password)
		if a.StatusCode != row.status || len(a.Cookies()) != 0 {
			t.Errorf("%s: got %d, cookies %v, want %d and none", row.name, a.StatusCode, a.Cookies(), row.status)
		}
	}
}

// fixedID is a serializer that always returns one id.
type fixedID struct {
	id  string
	err error
}

func (f fixedID) Serialize(context.Context, *User) (json.RawMessage, error) {
	return json.RawMessage(f.id), f.err
}

func (f fixedID) Deserialize(context.Context, json.RawMessage) (*User, error) {
	return nil, serializer.ErrUserGone
}

func TestAFailedCommitLogsNobodyIn(t *testing.T) {
	w := newWorld(t)
	w.store.fail(errOutage)
	a := logIn(w.open(), "joe@test.com")
	a.Want(t, 503, "")
	if strings.Contains(a.Text, "hello") || len(a.Cookies()) != 0 {
		t.Errorf("got %q and cookies %v, want no part of the handler's response", a.Text, a.Cookies())
	}
	if got, want := w.saw(), "[authn_login_success session_created]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
	if got := w.logged(); !strings.Contains(got, "level=ERROR msg=session_created guard=passport outcome=error") {
		t.Errorf("got log %q, want session_created with outcome=error", got)
	}
}

func TestLogInUser(t *testing.T) {
	w := newWorld(t)
	w.record()
	var outcome error
	as := func(id int) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			var u *User
			if id > 0 {
				row := w.table.rows[id]
				u = &row
			}
			if outcome = w.LogInUser(r, u); outcome != nil {
				w.Error(rw, r, outcome)
				return
			}
			w.hello().ServeHTTP(rw, r)
		})
	}
	w.mux.Handle("POST /register", w.sessions.Handler(as(1)))
	w.mux.Handle("POST /switch", w.RequireAuth(as(2)))
	w.mux.Handle("POST /nil", w.sessions.Handler(as(0)))
	w.mux.Handle("POST /outside", as(1))
	w.mux.Handle("POST /late", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusAccepted)
		outcome = w.LogInUser(r, &User{ID: 1})
	})))

	b := w.open()
	b.Post("/register").Want(t, 200, "hello joe")
	b.Get("/me").Want(t, 200, "hello joe")
	if s := slot(t, b); s.Go.At == 0 || len(s.Go.Stamp) != 22 || s.Go.Factors != nil {
		t.Errorf("got %+v, want a time, a stamp and no factors", s)
	}
	b.Post("/switch").Want(t, 200, "hello jen")
	b.Get("/me").Want(t, 200, "hello jen")

	c := w.loggedIn("joe@test.com")
	c.Post("/switch").Want(t, 200, "hello jen")
	if s := slot(t, c); s.Go.Factors != nil {
		t.Errorf("another user: got factors %v, want none of the former's", s.Go.Factors)
	}

	w.open().Post("/nil").Want(t, 500, "")
	if outcome == nil {
		t.Error("nil user: got no error")
	}
	w.open().Post("/outside").Want(t, 500, "")
	if !errors.Is(outcome, session.ErrNoHandler) {
		t.Errorf("outside of a Handler: got %v, want ErrNoHandler", outcome)
	}
	w.open().Post("/late").Want(t, 202, "")
	if !errors.Is(outcome, session.ErrCommitted) {
		t.Errorf("after the response started: got %v, want ErrCommitted", outcome)
	}
	w.store.fail(errOutage)
	b.Post("/register").Want(t, 503, "")
	if !errors.Is(outcome, errOutage) {
		t.Errorf("store down: got %v, want the outage", outcome)
	}
}

// TestS11_ChangingThePasswordEndsTheOtherSessions: the handler logs in the user with the new password.
func TestS11_ChangingThePasswordEndsTheOtherSessions(t *testing.T) {
	w := newWorld(t)
	w.record()
	w.mux.Handle("POST /password", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, _ := w.User(r.Context())
		u.Pass = r.FormValue("new")
		w.table.set(*u)
		if err := w.LogInUser(r, u); err != nil {
			w.Error(rw, r, err)
		}
	})))
	here, there := w.loggedIn("joe@test.com"), w.loggedIn("joe@test.com")
	other := w.loggedIn("jen@test.com")
	factors := slot(t, here).Go.Factors
	here.Post("/password", "new", "N3w!").Want(t, 200, "")
	here.Get("/me").Want(t, 200, "hello joe")
	if got := slot(t, here).Go.Factors; fmt.Sprint(got) != fmt.Sprint(factors) {
		t.Errorf("got factors %v, want those from before, %v", got, factors)
	}
	w.saw()
	there.Get("/me").Want(t, 401, "")
	if got, want := w.saw(), "[session_expired/stamp]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
	other.Get("/me").Want(t, 200, "hello jen")
	logIn(w.open(), "joe@test.com").Want(t, 401, "")
}

// TestS11_ALogInThatCheckedTheOldPasswordEnds: the stamp is that of the user whom the strategy
// authenticated, not of a later look-up.
func TestS11_ALogInThatCheckedTheOldPasswordEnds(t *testing.T) {
	w := newWorld(t)
	checked, changed := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		close(checked)
		<-changed
		w.LogIn(w.hello()).ServeHTTP(rw, r)
	})
	w.mux.Handle("POST /slow", w.Authenticate("local")(slow))
	b := w.open()
	done := make(chan browser.Answer)
	go func() { done <- b.Post("/slow", "email", "joe@test.com", "password", password) }()
	<-checked
	w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "N3w!"})
	close(changed)
	a := <-done
	a.Want(t, 200, "hello joe")
	b.Get("/me").Want(t, 401, "")
}

func TestTwoStrategiesInOneRequestAreTwoFactors(t *testing.T) {
	w := newWorld(t)
	w.record()
	w.mux.Handle("POST /both", w.Authenticate("local")(w.Authenticate("totp")(w.LogIn(w.hello()))))
	in := func() *browser.Browser {
		b := w.open()
		b.Post("/both", "email", "joe@test.com", "password", password).Want(t, 200, "hello")
		return b
	}
	w.second.err, w.second.user = nil, &User{ID: 1, Email: "joe@test.com", Pass: password}
	if got := slot(t, in()).Go.Factors; len(got) != 2 || got["local"] == 0 || got["totp"] == 0 {
		t.Errorf("same user: got factors %v, want local and totp", got)
	}
	w.second.user = &User{ID: 2, Email: "jen@test.com", Pass: password}
	if got := slot(t, in()).Go.Factors; len(got) != 1 || got["totp"] == 0 {
		t.Errorf("another user: got factors %v, want only totp", got)
	}
}

func TestALogInIsAsOldAsTheStrategySays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		w.mux.Handle("POST /code", w.Authenticate("totp")(w.LogIn(w.hello())))
		w.second.err, w.second.user = nil, &User{ID: 1}
		now := time.Now()
		for _, row := range []struct {
			name     string
			at, want time.Time
		}{
			{"an earlier time counts", now.Add(-time.Hour), now.Add(-time.Hour)},
			{"no time is now", time.Time{}, now},
			{"a time to come is now", now.Add(time.Hour), now},
		} {
			w.second.info = &strategy.Info{At: row.at}
			b := w.open()
			b.Post("/code").Want(t, 200, "hello")
			if got := slot(t, b).Go.At; got != row.want.UnixMilli() {
				t.Errorf("%s: got %d, want %d", row.name, got, row.want.UnixMilli())
			}
		}
	})
}

func TestLabelsOfALogInFindItsSession(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /code", w.Authenticate("totp")(w.LogIn(w.hello())))
	w.second.err, w.second.user, w.second.info = nil, &User{ID: 2}, &strategy.Info{Labels: []string{"sid:abc"}}
	w.open().Post("/code").Want(t, 200, "hello")
	for _, label := range []string{"passport:2", "passport:link:sid:abc"} {
		n := 0
		for _, err := range w.sessions.Linked(t.Context(), label) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("label %s: got %d sessions, want 1", label, n)
		}
	}
}
