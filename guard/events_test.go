package guard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestASVS_16_3_1_EveryOutcomeIsAnEvent with its name in the OWASP vocabulary.
func TestASVS_16_3_1_EveryOutcomeIsAnEvent(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(*world, *browser.Browser)
		want string
	}{
		{"a log-in", func(_ *world, b *browser.Browser) { logIn(b, "joe@test.com") }, "[authn_login_success session_created]"},
		{"a wrong password", func(_ *world, b *browser.Browser) { b.Post("/login", "email", "joe@test.com", "password", "x") }, "[authn_login_fail]"},
		{"half of the credentials", func(_ *world, b *browser.Browser) { b.Post("/login", "email", "joe@test.com") }, "[authn_login_fail/missing credentials]"},
		{"an empty form", func(_ *world, b *browser.Browser) { b.Post("/login", "email", "", "password", "") }, "[]"},
		{"no credentials for any strategy of a route", func(w *world, _ *browser.Browser) { w.open().Get("/api") }, "[]"},
		{"a wrong token", func(w *world, _ *browser.Browser) {
			w.token.err = strategy.ErrUnauthenticated
			w.open().Get("/api")
		}, "[authn_login_fail]"},
		{"too many attempts", func(w *world, b *browser.Browser) {
			w.second.err = &strategy.Failure{Status: 429}
			b.Post("/code")
		}, "[excess_rate_limit_exceeded]"},
		{"a log-out", func(_ *world, b *browser.Browser) { b.Post("/logout") }, "[session_expired/logout]"},
		{"somebody who may not", func(_ *world, b *browser.Browser) { b.Get("/admin") }, "[authz_fail/forbidden]"},
		{"a log-in that is too old", func(_ *world, b *browser.Browser) { pass(2 * time.Hour); b.Get("/fresh") }, "[authz_fail/not_fresh]"},
		{"another site", func(_ *world, b *browser.Browser) { from(b, "https://evil.example", "POST", "/me", "") }, "[malicious_cors]"},
		{"an outage", func(w *world, b *browser.Browser) { w.table.fail(errOutage); b.Get("/me") }, "[guard_error]"},
		{"a limit of the application", func(_ *world, b *browser.Browser) { b.Get("/limit") }, "[authz_fail/forbidden]"},
		{"a guarded page", func(_ *world, b *browser.Browser) { b.Get("/me") }, "[]"},
		{"a visitor", func(w *world, _ *browser.Browser) { w.open().Get("/me"); w.open().Get("/any") }, "[]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.mux.Handle("/limit", w.Require(func(*http.Request, *User) error { return guard.ErrTooManySessions })(w.hello()))
			w.mux.Handle("/admin", w.Require(func(*http.Request, *User) error { return guard.ErrForbidden })(w.hello()))
			w.mux.Handle("/fresh", w.RequireFresh(time.Hour)(w.hello()))
			w.mux.Handle("/code", w.Authenticate("totp")(w.hello()))
			w.mux.Handle("/api", w.Authenticate("session", "token")(w.hello()))
			b := w.loggedIn("joe@test.com")
			row.do(w, b)
			if got := w.saw(); got != row.want {
				t.Errorf("%s: got %s, want %s", row.name, got, row.want)
			}
		})
	}
}

func TestAnEventSaysWhoAndWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var ref string
		w.mux.Handle("GET /ref", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			ref = s.Ref()
		})))
		b := w.open()
		logIn(b, "jen@test.com").Want(t, 200, "")
		b.Get("/ref").Want(t, 200, "")
		found, created := w.events[0], w.events[1]
		if found.Guard != "passport" || found.Strategy != "local" || string(found.User) != "2" || found.Outcome != guard.OutcomeSuccess || !found.Time.Equal(time.Now()) {
			t.Errorf("got %+v, want guard passport, strategy local, user 2, success, now", found)
		}
		if created.Session != ref || ref == "" || string(created.User) != "2" {
			t.Errorf("got %+v, want session %q and user 2", created, ref)
		}
		b.Post("/logout").Want(t, 200, "")
		if out := w.events[2]; out.Session != ref || string(out.User) != "2" || out.Reason != guard.ReasonLogOut {
			t.Errorf("got %+v, want session %q, user 2, reason logout", out, ref)
		}
	})
}

func TestEventsHaveTheLevelOfTheirOutcome(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	b.Post("/login", "password", "x").Want(t, 400, "")
	w.table.fail(errOutage)
	b.Get("/me").Want(t, 503, "")
	for _, want := range []string{
		"level=INFO msg=authn_login_success guard=passport outcome=success address=192.0.2.1 route=\"POST /login\" strategy=local user=1\n",
		`level=WARN msg=authn_login_fail guard=passport outcome=failure address=192.0.2.1 route="POST /login" strategy=local reason="missing credentials"`,
		`level=ERROR msg=guard_error guard=passport outcome=error address=192.0.2.1 route=/me error="guard: restore: serializer: find user: connection refused"`,
	} {
		if got := w.logged(); !strings.Contains(got, want) {
			t.Errorf("got log %q, want it to contain %q", got, want)
		}
	}
}

// TestASVS_16_2_5_NoSecretIsLogged: the log of a session's whole life, at every level, contains none of the
// secrets.
func TestASVS_16_2_5_NoSecretIsLogged(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("GET /id", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		rw.Write([]byte(s.ID()))
	})))
	b := w.open()
	b.Post("/login", "email", "joe@test.com", "password", "wr0ng-passw0rd")
	logIn(b, "joe@test.com").Want(t, 200, "")
	id, cookie := b.Get("/id").Text, b.Cookie(sid)
	w.store.fail(errOutage)
	b.Get("/me").Want(t, 503, "")
	b.Post("/logout").Want(t, 503, "")
	w.store.fail(nil)
	from(b, "https://evil.example", "POST", "/me", "")
	b.Post("/logout").Want(t, 200, "")
	if id == "" || cookie == "" {
		t.Fatal("no id or no cookie to look for")
	}
	var all bytes.Buffer
	all.WriteString(w.logged())
	for _, e := range w.events {
		slog.New(slog.NewJSONHandler(&all, nil)).Info("event", "event", e)
	}
	for name, secret := range map[string]string{
		"the password": password, "the wrong password": "wr0ng-passw0rd", "the id": id, "the cookie": cookie, "the cookie secret": secret,
	} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%s is in the log: %s", name, all.String())
		}
	}
}

func TestASVS_16_4_1_ALogLineCannotBeForged(t *testing.T) {
	const evil = "x\nlevel=INFO msg=authn_login_success user=1"
	var lines []slog.Record
	w := newWorld(t, behindProxy, func(c *guard.Config) { c.Logger = slog.New(recording{&lines}) })
	w.mux.Handle("/code", w.Authenticate("totp")(w.hello()))
	w.second.err = &strategy.Failure{Reason: evil}
	b := w.open()
	b.Get("/code").Want(t, 401, "")
	b.Post("/login", "email", evil, "password", evil).Want(t, 400, "") // login names cannot contain line breaks
	w.table.fail(errors.New(evil))
	b.Post("/login", "email", "joe@test.com", "password", evil).Want(t, 503, "")
	r := b.Request("POST", "/login", "")
	r.Host = evil
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "X-Forwarded-For", "User-Agent", "Accept", "Referer"} {
		r.Header.Set(name, evil)
	}
	b.Do(r).Want(t, 403, "")
	said := 0
	for _, line := range lines {
		if !regexp.MustCompile(`^[a-z_]+$`).MatchString(line.Message) {
			t.Errorf("got a line that says %q, want the name of an event", line.Message)
		}
		line.Attrs(func(a slog.Attr) bool {
			if !regexp.MustCompile(`^[a-z_]+$`).MatchString(a.Key) {
				t.Errorf("%s: got an attribute called %q", line.Message, a.Key)
			}
			if strings.Contains(a.Value.String(), "user=1") {
				said++
			}
			return true
		})
	}
	if len(lines) != 4 || said < 5 {
		t.Errorf("got %d lines, and the client's text in %d attributes, want 4 and some: %v", len(lines), said, lines)
	}
}

// recording is a slog.Handler that does not quote.
type recording struct{ lines *[]slog.Record }

func (h recording) Enabled(context.Context, slog.Level) bool { return true }

func (h recording) Handle(_ context.Context, r slog.Record) error {
	*h.lines = append(*h.lines, r)
	return nil
}

func (h recording) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h recording) WithGroup(string) slog.Handler { return h }

func TestNobodyListeningCostsNoSerialize(t *testing.T) {
	w := newWorld(t)
	calls := 0
	g, err := guard.New[*User](guard.Config{Logger: slog.New(slog.DiscardHandler)}, counting{&calls}, w.token)
	if err != nil {
		t.Fatal(err)
	}
	w.token.user, w.token.err = &User{ID: 1}, nil
	if rec := serve(g.Authenticate()(whoami(g)), "GET", "/"); rec.Code != 200 || calls != 0 {
		t.Errorf("got %d and %d calls of Serialize, want 200 and none", rec.Code, calls)
	}
}

// counting is a serializer that counts its calls.
type counting struct{ calls *int }

func (c counting) Serialize(context.Context, *User) (json.RawMessage, error) {
	*c.calls++
	return nil, nil
}

func (c counting) Deserialize(context.Context, json.RawMessage) (*User, error) { return nil, errOutage }

func TestAClientThatWentAwayIsNoError(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.table.fail(context.Canceled)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.Do(b.Request("GET", "/me", "").WithContext(ctx))
	if got := w.saw(); got != "[]" {
		t.Errorf("got events %s, want none", got)
	}
}

func TestTheDefaultLoggerIsSlogs(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	defer slog.SetDefault(before)
	g, err := guard.New[*User](guard.Config{}, nil, &fake{name: "a", user: &User{}})
	if err != nil {
		t.Fatal(err)
	}
	serve(g.Authenticate()(whoami(g)), "GET", "/")
	if got := buf.String(); !strings.Contains(got, "authn_login_success") {
		t.Errorf("got %q, want the event in slog's default logger", got)
	}
}
