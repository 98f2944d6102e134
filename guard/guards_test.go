package guard_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// newTwo returns a world with two guards, users and admins, in one session.
func newTwo(t *testing.T) (*world, *guard.Guard[*User]) {
	w := newWorld(t)
	admins := w.guard("admin")
	w.record()
	w.mux.Handle("POST /admin/login", admins.Authenticate("local")(admins.LogIn(whoami(admins))))
	w.mux.Handle("POST /admin/logout", admins.LogOut(whoami(admins)))
	w.mux.Handle("/admin/me", admins.RequireAuth(whoami(admins)))
	w.mux.Handle("/both", w.RequireAuth(admins.RequireAuth(w.hello())))
	return w, admins
}

func TestTwoGuardsLiveInOneSession(t *testing.T) {
	w, _ := newTwo(t)
	b := w.loggedIn("joe@test.com")
	b.Get("/put?k=cart&v=x").Want(t, 200, "")
	b.Get("/admin/me").Want(t, 401, "")
	b.Get("/both").Want(t, 401, "")

	before := b.Twin()
	b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "jen@test.com")
	before.Get("/me").Want(t, 401, "") // a new id at a change of privilege
	b.Get("/both").Want(t, 200, "hello joe")
	b.Get("/admin/me").Want(t, 200, "jen")
	b.Get("/record").Want(t, 200, `"cart":"x"`)

	before = b.Twin()
	b.Post("/admin/logout").Want(t, 200, "nobody")
	before.Get("/admin/me").Want(t, 401, "")
	b.Get("/admin/me").Want(t, 401, "")
	b.Get("/me").Want(t, 200, "hello joe")
	b.Post("/logout").Want(t, 200, "hello stranger")
	if got := b.Cookie(sid); got != "" {
		t.Errorf("the last log-out: got cookie %q, want none", got)
	}
}

func TestLogOutEverywhereIsForOneGuardsUser(t *testing.T) {
	w, admins := newTwo(t)
	joe, jen := w.loggedIn("joe@test.com"), w.open()
	jen.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "jen")
	if n, err := w.LogOutEverywhere(t.Context(), &User{ID: 2}); err != nil || n != 0 {
		t.Errorf("got %d, %v, want none: Jen is logged in as an admin only", n, err)
	}
	jen.Get("/admin/me").Want(t, 200, "jen")
	if n, err := admins.LogOutEverywhere(t.Context(), &User{ID: 2}); err != nil || n != 1 {
		t.Errorf("got %d, %v, want 1", n, err)
	}
	jen.Get("/admin/me").Want(t, 401, "")
	joe.Get("/me").Want(t, 200, "hello joe")
}

// TestAccountsAreLinkedByASecondGuard is Passport's authorize: the second account is found in addition to
// the logged-in user, who stays.
func TestAccountsAreLinkedByASecondGuard(t *testing.T) {
	w := newWorld(t)
	accounts := statelessGuard(t, guard.Config{SessionKey: "account"}, &fake{name: "provider", user: &User{Email: "joe@provider.example"}})
	w.mux.Handle("/link", w.RequireAuth(accounts.Authenticate("provider")(w.hello())))
	w.mux.Handle("/linked", w.RequireAuth(accounts.Authenticate("provider")(whoami(accounts))))
	b := w.loggedIn("joe@test.com")
	b.Get("/link").Want(t, 200, "hello joe@test.com")
	b.Get("/linked").Want(t, 200, "joe@provider.example")
}

func TestAStatelessGuard(t *testing.T) {
	token := &fake{name: "token", err: &strategy.Failure{Challenge: "Bearer"}}
	g := statelessGuard(t, guard.Config{}, token)
	h := g.Authenticate("token")(g.RequireAuth(whoami(g)))
	rec := serve(h, "GET", "/")
	if rec.Code != 401 || rec.Header().Get("WWW-Authenticate") != "Bearer" || rec.Header().Get("Set-Cookie") != "" {
		t.Errorf("nobody: got %d %v, want 401, the challenge and no cookie", rec.Code, rec.Header())
	}
	if got := serve(g.RequireAuth(whoami(g)), "GET", "/").Code; got != 401 {
		t.Errorf("RequireAuth alone: got %d, want 401", got)
	}
	token.err, token.user = nil, &User{Email: "joe"}
	rec = serve(h, "GET", "/")
	if rec.Code != 200 || rec.Body.String() != "joe" || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("Joe: got %d %q %v, want 200, joe and no-store", rec.Code, rec.Body, rec.Header())
	}
}
