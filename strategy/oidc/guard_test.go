package oidc_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// Account is a provider's account, which is linked to a User.
type Account struct{ Issuer, Subject string }

// linkable adds a second provider to w, whose accounts users can link: Passport's authorize.
func linkable(t *testing.T, w *world) (*provider, map[string]Account) {
	t.Helper()
	op := hub(t, `{"id":7}`)
	cfg := plainConfig(op)
	cfg.RedirectURL = "https://app.example/link/hub"
	cfg.Bind = func(r *http.Request) string {
		u, _ := w.auth.User(r.Context())
		return fmt.Sprint(u.ID)
	}
	s, err := oidc.NewOAuth2(cfg, nil, func(_ context.Context, id oidc.Identity) (Account, error) {
		return Account{id.Issuer, id.Subject}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	link, err := guard.New(guard.Config{Logger: w.logger()}, nil, strategy.Strategy[Account](s))
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]Account{}
	w.mux.Handle("/link/hub", w.auth.RequireAuth(link.Authenticate("hub")(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, _ := w.auth.User(r.Context())
		linked[u.Key], _ = link.User(r.Context())
		fmt.Fprint(rw, "linked")
	}))))
	return op, linked
}

func TestASecondProviderIsLinkedToALoggedInUser(t *testing.T) {
	w := newWorld(t)
	op, linked := linkable(t, w)
	b := w.loggedIn()
	session := b.Cookie("__Host-sid")
	in := op.authorize(b.Post("/link/hub").Header.Get("Location"))
	b.Get("/link/hub?"+in.Encode()).Want(t, http.StatusOK, "linked")
	if got := linked[issuer+" "+subject]; got != (Account{issuer, "7"}) {
		t.Errorf("got the account %v, want the one at the second provider", got)
	}
	if b.Cookie("__Host-sid") != session {
		t.Error("linking changed the session")
	}
	if got := w.logged(); !strings.Contains(got, "msg=account_proved") || strings.Count(got, "msg=authn_login_success") != 1 {
		t.Errorf("got log %q, want account_proved and no log-in by the second provider", got)
	}
	b.Get("/me").Want(t, http.StatusOK, "hello "+issuer+" "+subject)
}

func TestAnAccountIsNotLinkedToAnotherUser(t *testing.T) {
	w := newWorld(t)
	op, linked := linkable(t, w)
	b := w.loggedIn()
	in := op.authorize(b.Post("/link/hub").Header.Get("Location"))
	w.op.claims = func(c map[string]any) { c["sub"] = "another" }
	w.logIn(b).Want(t, http.StatusSeeOther, "") // in another tab
	b.Get("/link/hub?"+in.Encode()).Want(t, http.StatusUnauthorized, "")
	if len(linked) != 0 || !strings.Contains(w.logged(), "for another user of this application") {
		t.Errorf("got %v linked, and the log %s", linked, w.logged())
	}
}

func TestNobodyLinksWithoutALogIn(t *testing.T) {
	w := newWorld(t)
	linkable(t, w)
	w.open().Get("/link/hub").Want(t, http.StatusUnauthorized, "")
}

func TestTheTimeOfTheLogInIsTheProviders(t *testing.T) {
	for _, row := range []struct {
		name   string
		ago    time.Duration // 0: the provider does not say
		maxAge time.Duration
		want   time.Duration
	}{
		{"it says", 2 * time.Hour, 0, 2 * time.Hour},
		{"it does not say", 0, 0, 0},
		{"so long ago that a session would be born old", 60 * 24 * time.Hour, 0, 24 * time.Hour},
		{"as long ago as was asked for", 40 * time.Hour, 48 * time.Hour, 40 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(c *oidc.Config) { c.MaxAge = row.maxAge })
				w.op.claims = func(c map[string]any) {
					c["auth_time"] = time.Now().Add(-row.ago).Unix()
					if row.ago == 0 {
						delete(c, "auth_time")
					}
				}
				var at time.Time
				w.mux.Handle("GET /at", w.auth.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					info, _ := w.auth.Info(r.Context())
					at = info.At
				})))
				b := w.loggedIn()
				b.Get("/at").Want(t, http.StatusOK, "")
				if got := time.Since(at).Round(time.Second); got != row.want {
					t.Errorf("got a log-in %v ago, want %v", got, row.want)
				}
			})
		})
	}
}

// If the provider used an older log-in of the user, the log-in here is not fresh.
func TestASilentLogInIsNotFresh(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("GET /pay", w.auth.RequireFresh(5*time.Minute)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	w.op.claims = func(c map[string]any) { c["auth_time"] = time.Now().Add(-time.Hour).Unix() }
	w.loggedIn().Get("/pay").Want(t, http.StatusUnauthorized, "")
	w.op.claims = nil
	w.loggedIn().Get("/pay").Want(t, http.StatusOK, "")
}

// The strategy and the guard have the same user type: the compiler checks it.
func TestOneUserTypeCompilesAndTwoDoNot(t *testing.T) {
	for folder, want := range map[string]string{
		"same":      "",
		"different": "does not implement strategy.Strategy[*",
	} {
		t.Run(folder, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("testdata", "types", folder))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
			out, err := subprocess.Command(t, 0, "go", "vet", path).CombinedOutput()
			if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
				t.Errorf("got %v and %s, want %q", err, out, want)
			}
		})
	}
}
