package guard_test

import (
	"net/http"
	"time"
)

// A second factor for payments, and a fresh log-in for deleting the account.
func ExampleGuard_StepUp() {
	auth := newClub(silent)
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))
	mux.Handle("POST /login/code", auth.Authenticate("code")(auth.StepUp(say("thank you"))))
	mux.Handle("POST /pay", auth.RequireFactor("code", 15*time.Minute)(say("paid")))
	mux.Handle("DELETE /account", auth.RequireFresh(10*time.Minute)(say("deleted")))

	v := visit(mux)
	v.do("POST", "/login", "email=joe", "password=secret")
	v.do("POST", "/pay")
	v.do("POST", "/login/code", "code=123456")
	v.do("POST", "/pay")
	v.do("DELETE", "/account")
	// Output:
	// POST /login: 200 welcome
	// POST /pay: 401
	// POST /login/code: 200 thank you
	// POST /pay: 200 paid
	// DELETE /account: 200 deleted
}
