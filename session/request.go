package session

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// request is all that one request needs from a Manager, in one allocation: the
// context's state, the session, and the response writer.
type request struct {
	reqstate.State
	sess    Session
	w       responseWriter
	header  http.Header // the request's
	before  http.Header // the response's, as the outer handler left it; nil for none
	cookies []string    // Set-Cookie lines of the commits that succeeded
	issued  bool        // some of them were taken back
}

// Handler gives every request to next its session: express-session's middleware.
// The store is asked on first use; a route that never looks at its session costs no
// command. Changes are committed just before the first byte of the response, or when
// next returns. If that fails, nothing that next wrote is sent: Config.ErrorHandler
// answers. Mounting the same Manager twice is a no-op. It panics if next is nil.
//
// The commit has its own time limit, so a client that hangs up does not lose its
// log-in. A panic in next commits nothing.
func (m *Manager) Handler(next http.Handler) http.Handler {
	if next == nil {
		panic("session: Handler: nil http.Handler")
	}
	return &handler{m, next}
}

type handler struct {
	m    *Manager
	next http.Handler
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reqstate.Of(r.Context(), h.m) != nil {
		h.next.ServeHTTP(w, r)
		return
	}
	q := &request{header: r.Header}
	if len(w.Header()) > 0 {
		q.before = w.Header().Clone()
	}
	q.sess.m, q.sess.req = h.m, q
	q.sess.rec = &q.sess.first
	q.Init(r.Context(), h.m, (*slots)(&q.sess))
	q.w = responseWriter{ResponseWriter: w, q: q, r: r}
	h.next.ServeHTTP(&q.w, r.WithContext(q))
	q.w.start()
}

// setCookie puts line into the response in place of an earlier one of the same cookie.
func (q *request) setCookie(name, line string) {
	h := q.w.Header()
	same := func(l string) bool { return strings.HasPrefix(l, name+"=") }
	h["Set-Cookie"] = append(slices.DeleteFunc(slices.Clone(h["Set-Cookie"]), same), line)
	q.cookies = append(slices.DeleteFunc(q.cookies, same), line)
}

// dropCookies takes back the cookies of commits earlier in this request.
func (q *request) dropCookies() {
	h := q.w.Header()
	if len(q.cookies) == 0 {
		return
	}
	lines := slices.DeleteFunc(slices.Clone(h["Set-Cookie"]), func(l string) bool { return slices.Contains(q.cookies, l) })
	if h["Set-Cookie"] = lines; len(lines) == 0 {
		delete(h, "Set-Cookie")
	}
	q.cookies = nil
	q.issued = true
}

// shared header values. Whoever adds to them gets a copy, since they are full.
var (
	noStore = []string{"no-store"}
	cookie  = []string{"Cookie"}
)

// addHeaders writes what caches must know, just before the response starts.
func (q *request) addHeaders(consulted bool) {
	h := q.w.Header()
	if consulted {
		addVary(h)
	}
	if others := q.Cookies(); len(others) > 0 {
		h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), others...)
	}
	if len(q.cookies)+len(q.Cookies()) > 0 || q.NoStore() && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = noStore
	}
}

func addVary(h http.Header) {
	vary := h["Vary"]
	if len(vary) == 0 {
		h["Vary"] = cookie
		return
	}
	for _, line := range vary {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h["Vary"] = append(slices.Clip(vary), "Cookie")
}

// dropHeaders takes back what the handler put into the response's header. Cookies of
// commits that did succeed stay: their old ones are dead.
func (q *request) dropHeaders() {
	h := q.w.Header()
	clear(h)
	maps.Copy(h, q.before)
	if len(q.cookies) > 0 {
		h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), q.cookies...)
	}
}
