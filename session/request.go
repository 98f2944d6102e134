package session

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// request is all that one request needs from a Manager, in one allocation of a
// kilobyte: the context's state, the session, the response writer, and the request
// itself as the next handler gets it.
type request struct {
	reqstate.State
	sess   Session
	w      responseWriter
	r      http.Request
	before http.Header // the response's, as the outer handler left it; nil for none
	sent   *sent       // nil until a commit sends a cookie
}

// sent is what the commits of a request did to the browser's cookies.
type sent struct {
	cookies []sentCookie // of the commits that succeeded
	issued  bool         // some of them were taken back
}

// sentCookie is a Set-Cookie line, and the cookie that it is about.
type sentCookie struct {
	cookies.Scope
	line string
}

// setCookies returns the Set-Cookie lines of the commits that succeeded.
func (q *request) setCookies() (lines []string) {
	if q.sent == nil {
		return nil
	}
	for _, c := range q.sent.cookies {
		lines = append(lines, c.line)
	}
	return lines
}

// Handler gives every request to next its session: express-session's middleware.
// The store is asked on first use; a route that never looks at its session costs no
// command. Changes are committed just before the first byte of the response, or when
// next returns. If that fails, nothing that next wrote is sent: the log gets a line, and
// Config.ErrorHandler answers. Mounting the same Manager twice is a no-op. It panics if next is nil.
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
	q := new(request)
	if len(w.Header()) > 0 {
		q.before = w.Header().Clone()
	}
	q.sess.m, q.sess.req = h.m, q
	q.sess.rec = &q.sess.first
	q.Init(r.Context(), h.m, (*slots)(&q.sess))
	q.w = responseWriter{ResponseWriter: w, q: q}
	q.r = *r.WithContext(q) // the compiler keeps the copy in between off the heap
	defer reqstate.HandBack(r, &q.r)
	h.next.ServeHTTP(&q.w, &q.r)
	q.w.start()
}

// close commits the session for the last time: nothing can be changed afterwards, also
// when the commit panics.
func (s *Session) close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.closed = true }()
	return s.finish(ctx)
}

// logFailedLoad logs why the session could not be loaded, unless the client is gone.
func (q *request) logFailedLoad() {
	q.sess.mu.Lock()
	err := q.sess.loadErr
	q.sess.mu.Unlock()
	if err != nil && q.Context.Err() == nil {
		q.logFailure("session: could not be loaded", err)
	}
}

// logFailure logs an error that the request is answered with, unless somebody has logged it.
func (q *request) logFailure(text string, err error) {
	if !q.FirstReport(err) {
		return
	}
	level := slog.LevelError
	if errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrSessionChanged) {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("method", q.r.Method)}
	if q.r.Pattern != "" {
		attrs = append(attrs, slog.String("route", q.r.Pattern))
	}
	if ref := q.sess.Ref(); ref != "" {
		attrs = append(attrs, slog.String("session", ref))
	}
	q.sess.m.cfg.Logger.LogAttrs(q, level, text, append(attrs, slog.Any("error", err))...)
}

// setCookie puts line into the response, in place of an earlier commit's line for the same cookie.
func (q *request) setCookie(of *cookies.Line, line string) {
	if q.sent == nil {
		q.sent = new(sent)
	}
	for i, c := range q.sent.cookies {
		if c.Scope == of.Scope {
			q.unsetCookie(c.line)
			q.sent.cookies = slices.Delete(q.sent.cookies, i, i+1)
			break
		}
	}
	h := q.w.Header()
	h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), line)
	q.sent.cookies = append(q.sent.cookies, sentCookie{of.Scope, line})
}

// dropCookies takes back the cookies of commits earlier in this request.
func (q *request) dropCookies() {
	if q.sent == nil || len(q.sent.cookies) == 0 {
		return
	}
	for _, c := range q.sent.cookies {
		q.unsetCookie(c.line)
	}
	q.sent.cookies, q.sent.issued = nil, true
}

// unsetCookie removes line from the response.
func (q *request) unsetCookie(line string) {
	h := q.w.Header()
	i := slices.Index(h["Set-Cookie"], line)
	if i < 0 {
		return // somebody else removed it
	}
	if h["Set-Cookie"] = slices.Delete(slices.Clone(h["Set-Cookie"]), i, i+1); len(h["Set-Cookie"]) == 0 {
		delete(h, "Set-Cookie")
	}
}

// shared header values. Whoever adds to them gets a copy, since they are full.
var (
	noStore = []string{"no-store"}
	cookie  = []string{"Cookie"}
)

// addHeaders writes what caches must know, just before the response starts.
func (q *request) addHeaders() {
	h := q.w.Header()
	if q.sess.consulted() {
		addVary(h)
	}
	others := q.Cookies()
	if len(others) > 0 {
		h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), others...)
	}
	if len(q.setCookies())+len(others) > 0 || q.NoStore() && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = noStore
	}
}

// consulted reports whether the response depends on the session's cookie.
func (s *Session) consulted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consult
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
	if lines := q.setCookies(); len(lines) > 0 {
		h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), lines...)
	}
}
