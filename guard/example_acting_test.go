package guard_test

import (
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
)

// An administrator sees the pages of a member, and cannot change the member's password.
func ExampleActing() {
	auth := newClub(silent)
	acting, err := guard.NewActing(auth, guard.ActingConfig[*Member]{
		May: func(actor, member *Member) bool { return actor.Admin && !member.Admin },
	})
	exitIf(err)
	profile := func(w http.ResponseWriter, r *http.Request) {
		member, _ := acting.User(r.Context())
		fmt.Fprintf(w, "the profile of %s", member.Name)
		if actor, ok := acting.Actor(r.Context()); ok {
			fmt.Fprintf(w, ", seen by %s", actor.Name)
		}
	}

	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))
	mux.Handle("GET /profile", auth.RequireAuth(acting.Allow(http.HandlerFunc(profile))))
	mux.Handle("POST /password", acting.RequireSelf(say("changed")))
	mux.Handle("POST /act", auth.RequireAuth(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		err := acting.Begin(r, &Member{Name: r.FormValue("as")})
		if err == nil {
			fmt.Fprint(w, "go on")
		}
		return err
	})))
	mux.Handle("POST /stop", auth.RequireAuth(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		err := acting.Stop(r)
		if err == nil {
			fmt.Fprint(w, "yourself again")
		}
		return err
	})))

	v := visit(mux)
	v.do("POST", "/login", "email=jen", "password=secret")
	v.do("POST", "/act", "as=joe")
	v.do("GET", "/profile")
	v.do("POST", "/password")
	v.do("POST", "/stop")
	v.do("GET", "/profile")
	// Output:
	// POST /login: 200 welcome
	// POST /act: 200 go on
	// GET /profile: 200 the profile of joe, seen by jen
	// POST /password: 403
	// POST /stop: 200 yourself again
	// GET /profile: 200 the profile of jen
}
