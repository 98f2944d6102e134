package journey

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/outside"
)

// request is one request of a browser and its answer, with what the model needs of them.
type request struct {
	outside.Reply
	text      string
	cookies   []*http.Cookie
	path      string
	onTheWay  []string // ids that the window presented in earlier redirects
	location  string   // of a redirect
	challenge string   // of the handler for bound sessions
}

// send sends a form for step s.
func (w *world) send(ctx context.Context, s Step, path string, form ...string) *request {
	g, _ := w.guard(s)
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	if s.Do == "follow a link" {
		return w.request(ctx, s, http.MethodGet, fmt.Sprintf("/%d/%s", g, path), "")
	}
	return w.request(ctx, s, http.MethodPost, fmt.Sprintf("/%d/%s", g, path), values.Encode())
}

// request sends a request for step s.
func (w *world) request(ctx context.Context, s Step, method, path, body string) *request {
	p, g := w.at(s)
	if w.shared.binds() && !s.Old {
		w.prove(s, p, g)
	}
	cookies := w.sends(s, p.names[g])
	if s.Do == "a thief's page" {
		maps.DeleteFunc(cookies, func(name string, _ cookie) bool { return strings.HasPrefix(name, "__Host-bound") })
	}
	r := &request{path: path}
	r.Now, r.What, r.Guard, r.Form = time.Now(), s.Do, g, w.form(p, g)
	if elsewhere, link := s.fromElsewhere(); elsewhere {
		r.Withheld = w.shared.SameSite == 1 || w.shared.SameSite == 0 && !link
	}
	for _, name := range p.names[g] {
		r.Sent = r.Sent || cookies[name].value != ""
		if id := p.accepted(cookies[name].value); id != "" && !slices.Contains(r.IDs, id) {
			r.IDs = append(r.IDs, id)
		}
	}
	r.Unproved = w.unproved(g, r.IDs, cookies)
	if p.memory[g] != nil {
		r.Token = w.known(p, cookies[rememberName(g)].value)
	}
	if g := p.names[g]; p.number > 0 && w.shared.Deploy == 1 {
		r.Reissues = cookies[g[0]].value == ""
	}
	if r.Stale = w.stores.stale(r.IDs); r.Stale && !w.sayable(s, r) {
		w.stores.readAll()
		r.Stale = false
	}
	res := send(ctx, p.handler, method, path, body, cookies, w.header(s))
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	r.Status, r.text, r.location = res.StatusCode, string(text), res.Header.Get("Location")
	r.cookies = res.Cookies()
	r.challenge = between(res.Header.Get("Secure-Session-Challenge"), `"`, `"`)
	if offer := between(res.Header.Get("Secure-Session-Registration"), `challenge="`, `"`); offer != "" && !s.Lost {
		w.browser(s).offers[w.shared.suffix(g)] = offer
	}
	for _, c := range r.cookies {
		switch {
		case c.Name == rememberName(g) && c.MaxAge < 0:
			r.Forgot, r.Next = true, ""
		case c.Name == rememberName(g):
			w.signed[c.Value] = p.number
			r.Forgot, r.Next, r.Keeps = false, unsigned(c.Value), time.Duration(c.MaxAge)*time.Second
		case c.Name == p.names[g][0] && c.Value != "":
			if id := idIn(c.Value); !slices.Contains(r.IDs, id) {
				r.ID = id
			} else {
				r.Again = true
			}
			r.Until, r.MaxAge, r.Ages = c.Expires, time.Duration(c.MaxAge)*time.Second, !strings.HasPrefix(c.Value, "s%3A")
		case slices.Contains(p.names[g], c.Name) && c.Value == "":
			r.Gone = true
		}
	}
	return r
}
