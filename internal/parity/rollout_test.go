package parity_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestReplacingTheCookieWhileProcessesRun is step 5 of docs/MIGRATING.md: a user logs in at a process with
// the new cookie, and logs out at one that has not been replaced yet. Without the first deployment of that
// step the new cookie stays valid.
func TestReplacingTheCookieWhileProcessesRun(t *testing.T) {
	express, ours := session.Express("a secret of 32 bytes for a test!"), session.SecureCookie("another secret, of 32 bytes too!")
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	process := func(codec session.Codec, also ...session.Accept) http.Handler {
		sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: codec, AlsoAccept: also, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		auth, err := guard.New(guard.Config{Sessions: sessions, Logger: quiet}, byID, strategy.NewLocal(check))
		if err != nil {
			t.Fatal(err)
		}
		ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux := http.NewServeMux()
		mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(ok)))
		mux.Handle("POST /logout", auth.LogOut(ok))
		mux.Handle("GET /me", auth.RequireAuth(ok))
		return mux
	}
	before := process(express)
	between := process(express, session.Accept{Codec: ours})
	after := process(ours, session.Accept{Codec: express, Reissue: true})
	for _, row := range []struct {
		name    string
		replace http.Handler // the process that has not been replaced yet
		want    int          // the status at the new process after a log-out at that one
	}{
		{"by way of a process that knows both cookies", between, http.StatusUnauthorized},
		{"at once: the log-out does not know the new cookie", before, http.StatusOK},
	} {
		t.Run(row.name, func(t *testing.T) {
			app := http.NewServeMux()
			app.Handle("/old/", http.StripPrefix("/old", row.replace))
			app.Handle("/", after)
			b := browser.New(t, app)
			logIn(b, "/login").Want(t, 200, "")
			copied := b.Twin()
			b.Post("/old/logout")
			copied.Get("/me").Want(t, row.want, "")
		})
	}
}

// TestAFormOfASiblingSubdomain: sessions.Handler is not a guard. Routes behind it alone that change the
// session need a protection against other sites.
func TestAFormOfASiblingSubdomain(t *testing.T) {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a secret of 32 bytes for a test!")})
	if err != nil {
		t.Fatal(err)
	}
	cart := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = session.Key[string]("cart").Set(s, r.FormValue("item"))
		}
		if err != nil {
			t.Error(err)
		}
	}))
	for name, row := range map[string]struct {
		handler http.Handler
		want    int
	}{
		"sessions.Handler alone":         {cart, http.StatusOK},
		"and http.CrossOriginProtection": {http.NewCrossOriginProtection().Handler(cart), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			b := browser.New(t, row.handler)
			b.Post("/cart", "item", "apples").Want(t, http.StatusOK, "")
			r := b.Request(http.MethodPost, "/cart", "item=pears")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-site")
			b.Do(r).Want(t, row.want, "")
		})
	}
}
