package passkey_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// listing is the response of List.
type listing struct {
	Passkeys []passkey.Summary
	Signals  passkey.Signals
}

func (v *visitor) list() listing {
	v.t.Helper()
	a := v.Get("/passkeys")
	a.Want(v.t, http.StatusOK, "passkeys")
	return decode[listing](v.t, a.Text)
}

func TestAUserManagesPasskeys(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	if got := v.list(); len(got.Passkeys) != 0 || got.Signals.AllAcceptedCredentials.AllAcceptedCredentialIDs == nil {
		t.Errorf("got %+v, want an empty list of passkeys and of ids", got)
	}
	v.aaguid = applePasswords
	v.register().Want(t, http.StatusCreated, `"name":"Apple Passwords"`)
	v.authenticator = newSecurityKey(t)
	v.register().Want(t, http.StatusCreated, `"name":"Passkey"`)
	got := v.list()
	if len(got.Passkeys) != 2 || got.Passkeys[0].Model != "Apple Passwords" || !got.Passkeys[0].BackedUp || got.Passkeys[1].BackupEligible || !got.Passkeys[1].LastUsed.IsZero() {
		t.Fatalf("got %+v, want a synced one and a key", got.Passkeys)
	}
	s := got.Signals
	if s.AllAcceptedCredentials.RPID != "app.example" || s.AllAcceptedCredentials.UserID != b64(w.joe.Handle) || len(s.AllAcceptedCredentials.AllAcceptedCredentialIDs) != 2 ||
		s.CurrentUserDetails != (passkey.UserDetails{RPID: "app.example", UserID: b64(w.joe.Handle), Name: w.joe.Email, DisplayName: w.joe.Email}) {
		t.Errorf("got the signals %+v", s)
	}
	first := "/passkeys/" + got.Passkeys[0].ID
	v.send(http.MethodPatch, first, `{"name":"  My phone "}`).Want(t, http.StatusOK, `"name":"My phone"`)
	for _, row := range []struct {
		path, body string
		status     int
	}{
		{first, `{"name":""}`, 400}, {first, `{"name":"  "}`, 400}, {first, `{"name":"a\nb"}`, 400}, {first, `{"name":7}`, 400},
		{first, `{"name":"` + strings.Repeat("é", 65) + `"}`, 400}, {first, `{"name":"` + strings.Repeat("é", 64) + `"}`, 200},
		{"/passkeys/AAAA", `{"name":"x"}`, 404}, {"/passkeys/+", `{"name":"x"}`, 404},
	} {
		v.send(http.MethodPatch, row.path, row.body).Want(t, row.status, "")
	}
	if got := decode[listing](t, v.send(http.MethodDelete, first, "").Text); len(got.Passkeys) != 1 || len(got.Signals.AllAcceptedCredentials.AllAcceptedCredentialIDs) != 1 {
		t.Errorf("got %+v after removing one of two, want the other one", got)
	}
	v.send(http.MethodDelete, first, "").Want(t, http.StatusNotFound, "")
}

// TestAUserChangesNoPasskeyOfAnother, and cannot see it.
func TestAUserChangesNoPasskeyOfAnother(t *testing.T) {
	w := newWorld(t)
	w.registered(newAuthenticator(t))
	jen := w.visit(newAuthenticator(t))
	jen.byPassword(w.jen)
	path := "/passkeys/" + b64(w.table.rows[0].ID)
	jen.send(http.MethodPatch, path, `{"name":"mine"}`).Want(t, http.StatusNotFound, "")
	jen.send(http.MethodDelete, path, "").Want(t, http.StatusNotFound, "")
	if len(jen.list().Passkeys) != 0 || len(w.table.rows) != 1 || w.table.rows[0].Name != "Passkey" {
		t.Errorf("got %+v, want Joe's passkey as it was", w.table.rows)
	}
}

// TestTheLastWayInStays: Jen has no password.
func TestTheLastWayInStays(t *testing.T) {
	w := newWorld(t)
	jen, joe := w.visit(newAuthenticator(t)), w.visit(newAuthenticator(t))
	jen.byPassword(w.jen)
	jen.register()
	jen.wantRefused(jen.send(http.MethodDelete, "/passkeys/"+b64(jen.keys[0].id), ""), http.StatusConflict, "it is the last one")
	joe.byPassword(w.joe)
	joe.register()
	joe.send(http.MethodDelete, "/passkeys/"+b64(joe.keys[0].id), "").Want(t, http.StatusOK, `"passkeys":[]`)
	// Of two simultaneous removals of the last two, one is refused.
	keys := jen.keys
	jen.authenticator = newAuthenticator(t)
	jen.register().Want(t, http.StatusCreated, "")
	var wg sync.WaitGroup
	for _, k := range append(keys, jen.keys...) {
		twin := &visitor{jen.Twin(), jen.authenticator, w}
		wg.Go(func() { twin.send(http.MethodDelete, "/passkeys/"+b64(k.id), "") })
	}
	wg.Wait()
	if len(w.table.rows) != 1 {
		t.Errorf("got %d passkeys after removing both at once, want 1", len(w.table.rows))
	}
}

func TestWithoutAnAnswerTheLastStays(t *testing.T) {
	for _, row := range []struct {
		name   string
		ask    func(context.Context, *User) (bool, error)
		status int
	}{
		{"nil", nil, http.StatusConflict},
		{"an outage", func(context.Context, *User) (bool, error) { return true, errDown }, http.StatusServiceUnavailable},
	} {
		w := newWorld(t, func(c *passkey.Config[*User]) { c.WithoutPasskey = row.ask })
		v := w.visit(newAuthenticator(t))
		v.byPassword(w.joe)
		v.register()
		v.send(http.MethodDelete, "/passkeys/"+b64(v.keys[0].id), "").Want(t, row.status, "")
		if len(w.table.rows) != 1 {
			t.Errorf("%s: the last passkey is gone", row.name)
		}
	}
}

// TestAPasskeyIsAddedAndRemovedAfterAFreshLogInWithAllFactors only.
func TestAPasskeyIsAddedAndRemovedAfterAFreshLogInWithAllFactors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.visit(newAuthenticator(t))
		requests := func() []func() int {
			return []func() int{
				func() int { return v.send(http.MethodPost, "/passkeys/options", "").StatusCode },
				func() int { return v.send(http.MethodPost, "/passkeys", "{}").StatusCode },
				func() int { return v.send(http.MethodDelete, "/passkeys/AAAA", "").StatusCode },
			}
		}
		want := func(when string, statuses ...int) {
			t.Helper()
			for i, ask := range requests() {
				if got := ask(); got != statuses[i] {
					t.Errorf("%s, request %d: got %d, want %d", when, i, got, statuses[i])
				}
			}
		}
		want("nobody", 401, 401, 401)
		v.byPassword(w.joe)
		want("fresh", 200, 400, 404)
		time.Sleep(10*time.Minute + time.Second)
		want("ten minutes later", 401, 401, 401)
		v.Get("/passkeys").Want(t, http.StatusOK, "") // listing needs no fresh log-in
		w.needed = []string{"passkey"}
		v.Post("/login", "email", w.joe.Email, "password", w.joe.Password).Want(t, http.StatusUnauthorized, "ProblemFactor")
		want("without the second factor", 401, 401, 401)
		v.Get("/passkeys").Want(t, http.StatusUnauthorized, "")
	})
}

func TestRegistrationsAreBounded(t *testing.T) {
	w := newWorld(t, func(c *passkey.Config[*User]) { c.MaxPerUser = 2 })
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	for range 2 {
		v.authenticator = newAuthenticator(t)
		v.register().Want(t, http.StatusCreated, "")
	}
	v.wantRefused(v.send(http.MethodPost, "/passkeys/options", ""), http.StatusConflict, "as many passkeys as Config.MaxPerUser allows")
	// Also if all began before the first one ended.
	w.table.rows = nil
	var begun []string
	for range 3 {
		begun = append(begun, v.options("/passkeys/options"))
	}
	for i, text := range begun {
		v.authenticator = newAuthenticator(t)
		if got, want := v.send(http.MethodPost, "/passkeys", v.create(text)).StatusCode, []int{201, 201, 409}[i]; got != want {
			t.Errorf("the end of registration %d: got %d, want %d", i, got, want)
		}
	}
}

func TestAPasskeyIsRegisteredOnce(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	answer := v.create(v.options("/passkeys/options"))
	v.send(http.MethodPost, "/passkeys", answer).Want(t, http.StatusCreated, "")
	v.wantRefused(v.send(http.MethodPost, "/passkeys", answer), http.StatusBadRequest, "the challenge was used already")
	// The same id again, for Jen, with a new challenge.
	jen := w.visit(newAuthenticator(t))
	jen.byPassword(w.jen)
	taken := v.keys[0].id
	jen.data = func(d []byte) []byte { return replaced(t, d, d[55:75], taken) }
	jen.json = func(m map[string]any) { m["id"], m["rawId"] = b64(taken), b64(taken) }
	jen.wantRefused(jen.register(), http.StatusConflict, "registered already")
	if len(w.table.rows) != 1 || w.table.rows[0].user != w.joe.ID {
		t.Errorf("got %+v, want Joe's passkey alone", w.table.rows)
	}
}

// TestARegistrationIsOfTheUserWhoBegan: meanwhile Jen has logged in in another tab.
func TestARegistrationIsOfTheUserWhoBegan(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	text := v.options("/passkeys/options")
	v.byPassword(w.jen)
	v.wantRefused(v.send(http.MethodPost, "/passkeys", v.create(text)), http.StatusBadRequest, "the challenge was made for another user")
}

func TestTheTableRefusesAPasskey(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	answer := v.create(v.options("/passkeys/options"))
	w.table.fail(&strategy.Failure{Reason: "only keys of the company's"})
	v.wantRefused(v.send(http.MethodPost, "/passkeys", answer), http.StatusBadRequest, "only keys of the company's")
}

func TestOutagesOfTheTableAreOutages(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	answer := v.create(v.options("/passkeys/options"))
	w.table.fail(errDown)
	for _, row := range []struct{ method, path, body string }{
		{http.MethodPost, "/passkeys/options", ""}, {http.MethodPost, "/passkeys", answer}, {http.MethodGet, "/passkeys", ""},
		{http.MethodPatch, "/passkeys/AAAA", `{"name":"x"}`}, {http.MethodDelete, "/passkeys/AAAA", ""}, {http.MethodPost, "/stepup/options", ""},
	} {
		if got := v.send(row.method, row.path, row.body).StatusCode; got != http.StatusServiceUnavailable {
			t.Errorf("%s %s: got %d, want 503", row.method, row.path, got)
		}
	}
	if !strings.Contains(w.logged(), errDown.Error()) {
		t.Errorf("got the log %s, want the outage in it", w.logged())
	}
}

func TestOtherSitesBeginNothing(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	v.byPassword(w.joe)
	for _, row := range []struct{ method, path, body string }{
		{http.MethodPost, "/passkey/options", ""}, {http.MethodPost, "/stepup/options", ""}, {http.MethodPost, "/passkeys/options", ""}, {http.MethodPost, "/passkeys", "{}"},
		{http.MethodPost, "/passkey", "{}"}, {http.MethodDelete, "/passkeys/AAAA", ""}, {http.MethodPatch, "/passkeys/AAAA", "{}"},
	} {
		r := v.Request(row.method, row.path, row.body)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Content-Type", "application/json")
		a := v.Do(r)
		a.Want(t, http.StatusForbidden, guard.ProblemCrossSite)
		for _, c := range a.Cookies() {
			if strings.Contains(c.Name, "passkey") {
				t.Errorf("%s: got the cookie %v", row.path, c)
			}
		}
	}
	// A page of Origins may begin at another host of the site.
	r := v.Request(http.MethodPost, "/passkey/options", "")
	r.Header.Set("Sec-Fetch-Site", "same-site")
	r.Header.Set("Origin", origin)
	v.Do(r).Want(t, http.StatusOK, "challenge")
}

// TestAnApplicationAtAnotherOriginOfTheSite: its scripts send requests to this host, with CORS around the
// handlers.
func TestAnApplicationAtAnotherOriginOfTheSite(t *testing.T) {
	const spa = "https://spa.app.example"
	w := newWorld(t, func(c *passkey.Config[*User]) { c.Origins = append(c.Origins, spa) })
	v := w.visit(newAuthenticator(t))
	v.origin = spa
	v.Header("Origin", spa)
	ask := func(method, path, body string) browser.Answer {
		r := v.Request(method, path, body)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-site")
		return v.Do(r)
	}
	v.byPassword(w.joe)
	ask(http.MethodPost, "/passkeys", v.create(ask(http.MethodPost, "/passkeys/options", "").Text)).Want(t, http.StatusCreated, "")
	ask(http.MethodPost, "/stepup", v.get(ask(http.MethodPost, "/stepup/options", "").Text)).Want(t, http.StatusOK, "done")
	ask(http.MethodPost, "/passkey", v.get(ask(http.MethodPost, "/passkey/options", "").Text)).Want(t, http.StatusOK, "done")
	ask(http.MethodDelete, "/passkeys/"+b64(v.keys[0].id), "").Want(t, http.StatusOK, "")
	if got := w.passkeys.CookieNames(); !slices.Equal(got, []string{"__Host-passkey"}) || v.Cookie(got[0]) == "" {
		t.Errorf("got the cookies %q, want the browser's", got)
	}
}

func TestBeginAnswersAPost(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	w.mux.Handle("/any", w.passkeys.BeginLogIn(w.auth))
	a := v.Get("/any")
	a.Want(t, http.StatusMethodNotAllowed, "")
	if a.Header.Get("Allow") != http.MethodPost {
		t.Errorf("got Allow %q", a.Header.Get("Allow"))
	}
	a = v.send(http.MethodPost, "/any", "")
	c := a.Cookies()[0]
	if a.Header.Get("Cache-Control") != "no-store" || c.Name != "__Host-passkey" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 300 {
		t.Errorf("got %v and the cookie %v", a.Header, c)
	}
}

func TestRelatedOriginsAreServedAndAccepted(t *testing.T) {
	w := newWorld(t, func(c *passkey.Config[*User]) { c.RelatedOrigins = []string{"https://shop.test"} })
	v := w.registered(newAuthenticator(t))
	a := v.Get("/.well-known/webauthn")
	a.Want(t, http.StatusOK, `{"origins":["https://shop.test"]}`)
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("got the type %q", got)
	}
	v.origin = "https://shop.test"
	v.logIn().Want(t, http.StatusOK, "done")
	newWorld(t).visit(v.authenticator).Get("/.well-known/webauthn").Want(t, http.StatusOK, `{"origins":[]}`)
}

// noNames is a table without Rename.
type noNames struct{ passkey.Credentials[*User] }

func TestRenameNeedsARenamer(t *testing.T) {
	w := newWorld(t)
	cfg := config(w)
	cfg.Credentials = noNames{w.table}
	s, err := passkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "passkey.Renamer") {
			t.Errorf("got the panic %q, want the cure", text)
		}
	}()
	s.Rename(w.auth)
}
