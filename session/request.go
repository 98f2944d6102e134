package session

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// request is everything that one request needs from a Manager, in one allocation of a kilobyte: the
// context's state, the session, the response writer, and the request as the next handler gets it.
type request struct {
	reqstate.State
	sess Session
	w    responseWriter
	r    http.Request
	left *answer // what commits and guards add to the response; nil for nothing
	// guarded answers a failed commit in the form of the last guard's refusals; nil without a guard.
	guarded func(http.ResponseWriter, *http.Request, error)
	before  http.Header // the response's header as the outer handler left it; nil for none
	values  [2]string   // of Vary and Cache-Control; not shared, since a middleware may edit a header in place
}

// Handler gives every request to next its session: express-session's middleware. The store is read
// on first use; a route that does not use its session costs no command. Changes are committed just
// before the first byte of the response, or when next returns. If that fails, nothing that next
// wrote is sent: the log gets a line, and Config.ErrorHandler answers. Mounting the same Manager
// twice is a no-op. It panics if next is nil.
//
// The cookies and what else the commit needs of the request's header are copied at the
// beginning: a handler or a middleware inside may change the header, for an upstream for
// instance, also while another goroutine commits. The ErrorHandler of a failed commit gets the
// request as it is then. So a handler that continues after its answer, below
// http.TimeoutHandler, must not change its request, as [http.Handler] says.
//
// The commit has its own time limit, so a client that hangs up does not lose its log-in. A panic
// in next commits nothing, also if the middleware that recovers from it writes to this Handler's
// response writer, as echo's does.
//
// If next writes to a framework's own response writer, and not to the one it is given, the response
// starts before the commit: it lacks the cookies, and a failed commit is not a 503. If that writer
// has a method Written() bool, as gin's has, the log says so.
func (m *Manager) Handler(next http.Handler) http.Handler {
	if next == nil {
		panic("session: Handler: nil http.Handler")
	}
	return &handler{m, next}
}

// NoRefresh is [Manager.Handler] for requests that do not count as use of the session, see
// [Session.NoRefresh]: polls, presence, streams. It works inside a Handler and around a
// guard's middleware, and does not read the store by itself. It panics if next is nil.
func (m *Manager) NoRefresh(next http.Handler) http.Handler {
	if next == nil {
		panic("session: NoRefresh: nil http.Handler")
	}
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slots, ok := reqstate.Of(r.Context(), m).Slots.(*slots); ok {
			(*Session)(slots).NoRefresh()
		}
		next.ServeHTTP(w, r)
	}))
}

type handler struct {
	m    *Manager
	next http.Handler
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	outer := reqstate.Of(r.Context(), reqstate.Anyone)
	if outer != nil && reqstate.Of(outer, h.m) != nil {
		h.next.ServeHTTP(w, r)
		return
	}
	q := new(request)
	if len(w.Header()) > 0 {
		q.before = w.Header().Clone()
	}
	q.sess.m, q.sess.req, q.sess.cookies = h.m, q, strings.Join(r.Header["Cookie"], ";")
	q.sess.forwarded = strings.Join(r.Header["X-Forwarded-For"], ",")
	q.sess.plain = r.TLS == nil && !h.m.cfg.InsecureHTTP && plainHTTP(r)
	if sites := r.Header["Sec-Fetch-Site"]; sites != nil || r.Header["Origin"] != nil { // a browser sent it
		q.sess.crossSite = slices.Contains(sites, "cross-site") && withholds(r, h.m.cfg.SameSite)
		q.Foreign = reqstate.ForeignOf(r)
	}
	q.sess.visit.Init(h.m.proto)
	q.Context, q.Owner, q.Slots, q.Outer = r.Context(), h.m, (*slots)(&q.sess), outer
	q.w = responseWriter{ResponseWriter: w, q: q}
	q.r = *r.WithContext(q) // the compiler does not allocate the intermediate copy
	defer reqstate.HandBack(r, &q.r, &q.w.over)
	h.next.ServeHTTP(&q.w, &q.r)
	q.w.start(false)
}

// logFailure logs an error with which the request is answered, unless it was logged before.
func (q *request) logFailure(text string, err error) {
	if !q.FirstReport(err) {
		return
	}
	level := slog.LevelError
	if errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrSessionChanged) {
		level = slog.LevelWarn
	}
	attrs := q.attrs()
	if ref := q.sess.Ref(); ref != "" {
		attrs = append(attrs, slog.String("session", ref))
	}
	q.sess.log(q, level, text, append(attrs, slog.Any("error", err))...)
}

// logBypassed logs that the response started before the commit, which was to set cookies or has failed.
func (q *request) logBypassed() {
	q.sess.log(q, slog.LevelError, "session: the response started before the commit, so that its cookies are lost and a failure is not answered: "+
		"an adapter does not pass on the response writer that the Handler gives it", q.attrs()...)
}

// attrs returns the log attributes that name the request.
func (q *request) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("method", q.r.Method)}
	if q.r.Pattern != "" {
		attrs = append(attrs, slog.String("route", q.r.Pattern))
	}
	return attrs
}

// setCookie makes the response carry line, instead of an earlier commit's line for the same cookie. It is
// added to the header when the response starts: earlier, the header may still be cleared, for instance by
// httputil.ReverseProxy after an early hint.
func (q *request) setCookie(of *cookies.Line, line string) {
	left := q.toAnswer()
	left.sent = slices.DeleteFunc(left.sent, func(c sentCookie) bool { return c.Scope == of.Scope })
	left.sent = append(left.sent, sentCookie{of.Scope, line})
}

// addHeaders adds cookies, and what caches must know, just before the response starts. left is what commits
// and guards add to it; noStore says that no cache may keep it.
func (q *request) addHeaders(left *answer, noStore bool) {
	h := q.w.Header()
	var lines []string
	if left != nil {
		q.sess.lock()
		for _, c := range left.sent {
			lines = append(lines, c.line)
		}
		lines = append(lines, left.cookies...)
		if left.offer != "" {
			h["Secure-Session-Registration"] = []string{left.offer}
		}
		q.sess.mu.Unlock()
	}
	keepOut := len(lines) > 0
	if keepOut {
		h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), lines...)
	}
	if keepOut || noStore && len(h["Cache-Control"]) == 0 {
		q.values[1] = "no-store"
		h["Cache-Control"] = q.values[1:]
	}
	switch vary := h["Vary"]; {
	case !q.w.consulted:
	case len(vary) == 0:
		q.values[0] = "Cookie"
		h["Vary"] = q.values[:1:1]
	case !varies(vary):
		h["Vary"] = append(slices.Clip(vary), "Cookie")
	}
}

// varies reports whether the lines of a Vary header include Cookie.
func varies(lines []string) bool {
	for _, line := range lines {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return true
			}
		}
	}
	return false
}

// dropHeaders removes what the handler set in the response's header.
func (q *request) dropHeaders() {
	h := q.w.Header()
	clear(h)
	maps.Copy(h, q.before)
}
