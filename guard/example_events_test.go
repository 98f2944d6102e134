package guard_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
)

// Every outcome is an event, in the log and in a callback.
func ExampleEvent() {
	auth := newClub(silent, func(c *guard.Config) {
		c.OnEvent = func(_ context.Context, e guard.Event) {
			fmt.Println("event:", e.Name, e.Outcome)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))
	mux.Handle("POST /logout", auth.LogOut(say("goodbye")))

	v := visit(mux)
	v.do("POST", "/login", "email=joe", "password=wrong")
	v.do("POST", "/login", "email=joe", "password=secret")
	v.do("POST", "/logout")
	// Output:
	// event: authn_login_fail failure
	// POST /login: 401
	// event: authn_login_success success
	// event: session_created success
	// POST /login: 200 welcome
	// event: session_expired success
	// POST /logout: 200 goodbye
}
