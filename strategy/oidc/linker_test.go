package oidc_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// accounts is the application's table of linked accounts.
type accounts struct {
	mu     sync.Mutex
	owners map[string]string // by issuer and subject
	err    error
}

func (t *accounts) link(_ context.Context, owner string, id oidc.Identity) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := id.Issuer + " " + id.Subject
	if was := t.owners[key]; t.err == nil && was != "" && was != owner {
		return oidc.ErrLinked
	}
	if t.err == nil {
		t.owners[key] = owner
	}
	return t.err
}

func (t *accounts) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(t.owners)
}

// linkers adds a second provider to w, whose accounts users can link. edit changes the configuration.
func linkers(t *testing.T, w *world, edit ...func(*oidc.LinkerConfig[*User])) (*provider, *accounts) {
	t.Helper()
	op, table := hub(t, `{"id":7,"login":"jo"}`), &accounts{owners: map[string]string{}}
	cfg := oidc.LinkerConfig[*User]{
		Provider: plainConfig(op), Users: w.auth, Owner: func(u *User) string { return fmt.Sprint(u.ID) },
		Link: table.link, Guard: guard.Config{Logger: w.logger()},
	}
	cfg.Provider.RedirectURL = "https://app.example/link"
	for _, e := range edit {
		e(&cfg)
	}
	link, err := oidc.NewLinker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(rw http.ResponseWriter, r *http.Request) {
		id, ok, err := link.Pending(r.Context())
		fmt.Fprint(rw, "Are you ", id.Username, id.Name, "? ", id.Issuer, " ", id.Subject, " ", ok, " ", err, id.Claims)
	}
	w.mux.Handle("/link", link.Handler(http.HandlerFunc(ask)))
	w.mux.Handle("GET /pending", w.auth.RequireAuth(http.HandlerFunc(ask)))
	w.mux.Handle("POST /confirm", w.auth.Restore(w.auth.Handle(func(rw http.ResponseWriter, r *http.Request) error {
		was, err := link.Confirm(r.Context(), cmp.Or(r.PostFormValue("subject"), "7"))
		if errors.Is(err, oidc.ErrLinked) {
			_, err = io.WriteString(rw, "somebody else's")
		} else if err == nil {
			_, err = fmt.Fprint(rw, was)
		}
		return err
	})))
	return op, table
}

// back starts to link, and comes back from the provider.
func back(b *browser.Browser, op *provider) browser.Answer {
	return b.Get("/link?" + op.authorize(b.Post("/link").Header.Get("Location")).Encode())
}

func TestAnAccountIsLinkedWhenItsUserConfirmsIt(t *testing.T) {
	w := newWorld(t)
	op, table := linkers(t, w)
	b := w.loggedIn()
	session := b.Cookie("__Host-sid")
	b.Post("/confirm").Want(t, http.StatusOK, "false")
	b.Get("/pending").Want(t, http.StatusOK, "false <nil>")
	back(b, op).Want(t, http.StatusOK, "Are you jo? "+issuer+" 7 true <nil> map[]")
	if got := table.String(); got != "map[]" {
		t.Errorf("before the user confirms it: got %s", got)
	}
	for _, want := range []string{"true", "false"} { // two clicks
		b.Post("/confirm").Want(t, http.StatusOK, want)
	}
	if got, want := table.String(), "map["+issuer+" 7:1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if b.Cookie("__Host-sid") != session {
		t.Error("linking changed the session")
	}
	if got := w.logged(); !strings.Contains(got, "msg=account_proved") || strings.Count(got, "msg=authn_login_success") != 1 {
		t.Errorf("got log %q, want account_proved and no log-in by the second provider", got)
	}
}

// TestAnAccountOfAnOpenIDProviderIsLinked: by the configuration of the log-in, with another redirect URL.
func TestAnAccountOfAnOpenIDProviderIsLinked(t *testing.T) {
	w := newWorld(t)
	_, table := linkers(t, w, func(c *oidc.LinkerConfig[*User]) {
		c.Provider = config(w.op)
		c.Provider.RedirectURL = "https://app.example/link"
	})
	b := w.loggedIn()
	back(b, w.op).Want(t, http.StatusOK, "Are you Jen?")
	b.Post("/confirm", "subject", subject).Want(t, http.StatusOK, "true")
	if got, want := table.String(), "map["+issuer+" "+subject+":1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestWhatOneTabConfirmsIsNotTheAccountOfAnother: the account of its page is not the one that waits.
func TestWhatOneTabConfirmsIsNotTheAccountOfAnother(t *testing.T) {
	w := newWorld(t)
	op, table := linkers(t, w)
	b := w.loggedIn()
	back(b, op).Want(t, http.StatusOK, issuer+" 7 true")
	b.Post("/confirm", "subject", "6").Want(t, http.StatusOK, "false")
	if got := table.String(); got != "map[]" {
		t.Errorf("got %s, want nothing linked", got)
	}
	b.Post("/confirm", "subject", "7").Want(t, http.StatusOK, "true")
}

func TestTheAccountOfAnotherUserStaysTheirs(t *testing.T) {
	w := newWorld(t)
	op, table := linkers(t, w)
	table.owners[issuer+" 7"] = "2"
	b := w.loggedIn()
	back(b, op).Want(t, http.StatusOK, "")
	b.Post("/confirm").Want(t, http.StatusOK, "somebody else's")
	b.Post("/confirm").Want(t, http.StatusOK, "false") // it waits no more
	if got, want := table.String(), "map["+issuer+" 7:2]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnOutageOfTheTableLeavesTheAccountWaiting(t *testing.T) {
	w := newWorld(t)
	op, table := linkers(t, w)
	b := w.loggedIn()
	back(b, op).Want(t, http.StatusOK, "")
	table.err = credtest.ErrDown
	b.Post("/confirm").Want(t, http.StatusServiceUnavailable, "")
	table.err = nil
	b.Post("/confirm").Want(t, http.StatusOK, "true")
}

// TestNobodyElseConfirmsAnAccount: neither who is not logged in, nor another user of the same session, to whom
// Node may have carried its values.
func TestNobodyElseConfirmsAnAccount(t *testing.T) {
	w := newWorld(t)
	op, table := linkers(t, w)
	w.open().Post("/confirm").Want(t, http.StatusUnauthorized, "")
	w.open().Post("/link").Want(t, http.StatusUnauthorized, "")

	w.mux.Handle("POST /become", w.auth.RequireAuth(w.auth.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		kept, _, err := session.Key[any]("oidc:hub-link").GetContext(r.Context())
		if err == nil {
			err = w.auth.LogInUser(r, &User{ID: 2})
		}
		if err == nil {
			err = session.Key[any]("oidc:hub-link").SetContext(r.Context(), kept)
		}
		return err
	})))
	b := w.loggedIn()
	begun := b.Post("/link").Header.Get("Location")
	back(b, op).Want(t, http.StatusOK, "true")
	w.rows = append(w.rows, &User{ID: 2})
	b.Post("/become").Want(t, http.StatusOK, "")
	b.Get("/pending").Want(t, http.StatusOK, "false <nil>")
	b.Post("/confirm").Want(t, http.StatusOK, "false")
	b.Get("/link?"+op.authorize(begun).Encode()).Want(t, http.StatusUnauthorized, "") // begun by the first user
	if got := table.String(); got != "map[]" {
		t.Errorf("got %s, want nothing linked", got)
	}
}

// TestALinkerStartsOnAPageOfTheApplication, and by nothing that another site can cause.
func TestALinkerStartsOnAPageOfTheApplication(t *testing.T) {
	w := newWorld(t)
	linkers(t, w)
	b := w.loggedIn()
	visit(b, "GET", "/link", "Sec-Fetch-Site", "none").Want(t, http.StatusForbidden, "")
	visit(b, "POST", "/link", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").Want(t, http.StatusForbidden, "")
	visit(b, "GET", "/link", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusSeeOther, "")
}

// TestAUserWithoutAnIDLinksNothing: all of them would be one owner.
func TestAUserWithoutAnIDLinksNothing(t *testing.T) {
	w := newWorld(t)
	op, table := linkers(t, w, func(c *oidc.LinkerConfig[*User]) { c.Owner = func(*User) string { return "" } })
	b := w.loggedIn()
	if a := back(b, op); a.StatusCode < http.StatusInternalServerError || table.String() != "map[]" {
		t.Errorf("got %d, %s, want a mistake of the program", a.StatusCode, table)
	}
}

func TestALinkerNamesItsMistakes(t *testing.T) {
	w := newWorld(t)
	provider := config(w.op)
	provider.Bind, provider.FormPost = func(*http.Request) string { return "" }, true
	_, err := oidc.NewLinker(oidc.LinkerConfig[*User]{Provider: provider, Guard: guard.Config{Sessions: w.sessions}})
	_, err2 := oidc.NewLinker(oidc.LinkerConfig[*User]{
		Provider: oidc.Config{}, Users: w.auth, Owner: func(*User) string { return "1" }, Link: (&accounts{}).link,
	})
	for _, want := range []string{"Users is nil", "Owner is nil", "Link is nil", "Provider.Bind is set", "Provider.FormPost is set", "Guard.Sessions is set", "Issuer is empty"} {
		if got := fmt.Sprint(err, err2); !strings.Contains(got, want) {
			t.Errorf("got %s, want %q in it", got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Handler without a page: got no panic")
		}
	}()
	new(oidc.Linker[*User]).Handler(nil)
}
