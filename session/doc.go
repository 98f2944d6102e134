// Package session answers: what does the server remember of this visitor?
//
// A [Manager] gives each request a [Session], found by the signed id in a cookie and
// kept in a [Store] as the JSON that express-session writes, so that Node's programs
// can share it. It is read on first use and written back, if it changed, just before
// the first byte of the response:
//
//	const Cart session.Key[[]string] = "cart"
//
//	func add(w http.ResponseWriter, r *http.Request) {
//		s, err := session.FromContext(r.Context())
//		if err != nil {
//			http.Error(w, "try again", http.StatusServiceUnavailable) // the store is down
//			return
//		}
//		err = Cart.Update(s, func(c []string) ([]string, error) { return append(c, r.FormValue("item")), nil })
//		…
//	}
//
// # Beside pages
//
// On a stream of events or a WebSocket [Session.Reload] reads the session again after the
// response has started. Put polls, and whatever else the page sends by itself, behind
// [Manager.NoRefresh]: otherwise they keep the session alive while the visitor is away.
// [Manager.OpenCookies] finds a session where there is no net/http, as in gRPC, and
// [Manager.Open] where there is no request at all. Tests of handlers make sessions by
// sessiontest.WithSession.
//
// # What is promised
//
// Log-out is final and no update is lost, however many requests and processes use the
// session at once: a write is a compare-and-swap whose operations run again on what
// another request wrote; an id never passes from one user to another; a session that
// was logged out cannot come back, also if a command was stuck in the network. An
// outage of the store is an error of [FromContext] or a 503 of the commit, and leaves
// cookies alone. The rules are in docs/PROTOCOL.md of the repository.
//
// Log-ins are in package guard. This package knows no users.
package session
