package journey

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// This file has a browser window that follows redirects: from a page to Config.LoginURL, to the provider,
// where the user is already logged in, to the callback, and back to the page.

func pageOf(g int) string     { return fmt.Sprintf("/%d/page", g) }
func logInPage(g int) string  { return fmt.Sprintf("/%d/start", g) }
func callbackOf(g int) string { return fmt.Sprintf("/%d/callback", g) }

// follow adds the routes of guard g; who is the handler of the page.
func (p *process) follow(mux routes, g int, auth *guard.Guard[*user], who http.Handler) {
	mux.Handle("GET "+pageOf(g), auth.RequireAuth(who))
	mux.Handle("GET "+logInPage(g), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, callbackOf(g)+"?"+p.shared.there.Encode(), http.StatusFound)
	}))
	mux.Handle("GET "+callbackOf(g), auth.Authenticate("provider")(auth.LogInWith(guard.LogInOptions{SuccessRedirect: pageOf(g)})(nil)))
}

// openPage opens a page and follows the redirects, unless the store may fail on the way. For some steps the
// provider's answer is refused.
func (w *world) openPage(ctx context.Context, s Step) *request {
	w.shared.there = url.Values{"user": {fmt.Sprint(s.who())}, "code": {"right"}, "label": {fmt.Sprint(s.N % 2)}}
	if refused(s) {
		w.shared.there.Set("code", "wrong")
	}
	g, _ := w.guard(s)
	s.Late = false // a window waits for each answer
	r := w.request(ctx, s, http.MethodGet, pageOf(g), "")
	for hops := 1; ; hops++ {
		w.model.Want(hops <= 4, "answer: a chain of redirects does not end", "%d addresses", hops) // page, log-in, callback, page (M17)
		if r.location == "" || s.Lost || w.shared.Outage > 0 || w.shared.Lag > 0 || len(w.model.Broken) > 0 {
			return r
		}
		before := slices.Concat(r.onTheWay, r.IDs)
		to := r.location
		w.told(s, r)
		s.Old = false
		r = w.request(ctx, s, http.MethodGet, to, "")
		r.onTheWay = before
	}
}

// told handles one answer on the way.
func (w *world) told(s Step, r *request) {
	w.arrive(s, r)
	w.tellOpened(s, r)
	w.compareAnswer(r)
}

// tellOpened updates the model for one answer on the way. A redirect to the log-in page counts as 401, and
// one from the callback back to the page as 200.
func (w *world) tellOpened(s Step, r *request) {
	g, _ := w.guard(s)
	switch path, _, _ := strings.Cut(r.path, "?"); {
	case path == pageOf(g):
		if strings.HasPrefix(r.location, logInPage(g)+"?") {
			r.Status = http.StatusUnauthorized
		}
		w.model.Page(&r.Visit, model.Me)
	case path == callbackOf(g):
		if r.location == pageOf(g) {
			r.Status = http.StatusOK
		}
		w.model.LogIn(&r.Visit, "provider", s.who(), !refused(s), false, s.label())
	default: // the application's own page
		r.What = ""
	}
}

func refused(s Step) bool { return s.N%3 == 0 }
