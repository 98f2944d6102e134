// Package guard answers: who may pass?
//
// It is Passport's model for net/http, and the place to start in this library.
// Strategies say who sent a request, a serializer turns a user into an id and back,
// sessions remember the id under a signed cookie, and a [Guard] keeps everyone else
// out. You bring the users table and the routes:
//
//	sessions, err := session.New(session.Config{Store: memory, Codec: session.SecureCookie(secret)})
//	users := serializer.ByID(func(u *User) int { return u.ID }, table.ByID)
//	auth, err := guard.New(guard.Config{Sessions: sessions}, users, strategy.NewLocal(table.Check))
//
//	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(home)))
//	mux.Handle("POST /logout", auth.LogOut(goodbye))
//	mux.Handle("GET /me", auth.RequireAuth(me))
//
// In the handler, [Guard.User] returns the user, typed. The first example below is a
// whole program.
//
// # Middlewares
//
// Every middleware is, or makes, a func(http.Handler) http.Handler, and brings the
// session along: a route needs [session.Manager.Handler] only where it uses a session
// without a guard. A mistake in the route table, such as the name of a strategy that
// is not there, panics while routes are built, not when a request comes.
//
//	Authenticate     ask strategies for credentials, and remember nothing
//	LogIn            remember the user whom Authenticate found
//	RequireAuth      let known users pass
//	Require          let users pass whom a function approves, of the request or (RequireIf) of the user
//	RequireFresh     let users pass who logged in a short while ago
//	RequireFactor    let users pass who proved a second factor, which StepUp adds;
//	                 with Config.Factors every middleware requires it of users who have one
//	RequireUncached  let known users pass, asking the store's master
//	RequireBound     let users pass whose session is bound to their device
//	Restore          find the user if there is one, and let everyone pass
//	LogOut           end the session
//
// Handlers do the same by [Guard.LogInUser], [Guard.LogOutUser] and [Guard.Check], and by
// [Guard.LogInContext] and [Guard.LogOutContext] where they get no request. One that has
// checked the password again, before a sensitive change, says so by
// [Guard.ReauthenticateUser]; one that has set up a second factor, by [Guard.AddFactors].
// An administrator acts as a user by [Acting].
//
// # What is answered
//
// Refused credentials are 401, with every challenge; a known user without the permission is
// 403; an outage of the store or of the users table is 503 and logs nobody out; a session
// that another request ended or changed meanwhile is 409. Browsers that ask for a page are
// sent to Config.LoginURL instead of the 401. Unsafe requests that another site caused are
// 403 wherever a cookie or the browser's own credentials would decide. The texts are fixed.
// The cause goes to the log, as an [Event] with the user and the client's address.
//
// Where several strategies of a route refuse, the refusal of a password, key or token that
// was sent takes precedence over that of a log-in in the session that waits for its second
// factor.
//
// A preflight of CORS has no credentials: put the middleware that answers it around the
// guard's. If that site may change something, list it in Config.TrustedOrigins too.
//
// [Guard.Error] is that answer, with [ProblemOf]'s words. Config.ErrorPage replaces its page for browsers, and
// Config.Error all of it.
package guard
