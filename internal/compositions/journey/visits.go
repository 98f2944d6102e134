package journey

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// visits are further steps of visitors: messages for the next page, a registration, links, old tabs, and
// pages of others.
var visits = []action{
	{"flash", 2, func(w *world, ctx context.Context, s Step) *request {
		return w.send(ctx, s, "flash", "text", fmt.Sprint(s.U))
	}, func(w *world, s Step, r *request) {
		w.model.Write(&r.Visit, "flash", func(old string) string { return strings.TrimSpace(old + " " + fmt.Sprint(s.U)) })
	}},
	{"read flash", 2, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "flashes") },
		func(w *world, _ Step, r *request) { w.compareValue(r, "flash") }},
	{"register", 1, func(w *world, ctx context.Context, s Step) *request {
		return w.send(ctx, s, "register")
	}, func(w *world, _ Step, r *request) { w.model.LogIn(&r.Visit, "", r.user(), true, false) }},
	{"follow a link", 2, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "link") },
		func(w *world, s Step, r *request) {
			onward := r.Withheld && strings.HasPrefix(r.text, "<") // a page that sends the browser on, now with the cookie
			if g, _ := w.guard(s); onward || strings.HasPrefix(r.location, logInPage(g)+"?") {
				r.Status = http.StatusUnauthorized
			}
			w.model.Page(&r.Visit, model.Me)
		}},
	{"restore an old browser", 1, func(w *world, _ context.Context, s Step) *request {
		w.browser(s).restore(s.N)
		return nil
	}, nil},
	{"page of an upstream", 2, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "upstream") },
		func(w *world, s Step, r *request) {
			p, g := w.at(s)
			for _, name := range append([]string{rememberName(g)}, p.names[g]...) {
				if strings.Contains(r.text, name+"=") {
					w.broken("upstream: it gets a cookie of the program", "%s", name)
				}
			}
			w.model.Page(&r.Visit, model.Me)
		}},
	{"call of a program", 1, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "api") },
		func(w *world, s Step, _ *request) { // at a guard without sessions, which ignores the browser's cookies
			if s.N%3 > 0 {
				w.model.Deny(http.StatusUnauthorized, "a program")
			}
		}},
}

// fromElsewhere reports whether another site caused the request of a step, and whether by a link.
func (s Step) fromElsewhere() (elsewhere, link bool) {
	link = s.Do == "follow a link"
	return link || s.Do == "set from another site", link
}

// header returns what a browser, or a program, sends with the request of a step.
func (w *world) header(s Step) map[string]string {
	header := map[string]string{}
	if w.shared.Throttle > 1 {
		header["X-Forwarded-For"] = fmt.Sprint("198.51.100.", s.B%browsers)
	}
	switch elsewhere, link := s.fromElsewhere(); {
	case link:
		header["Sec-Fetch-Site"], header["Sec-Fetch-Mode"], header["Sec-Fetch-Dest"] = "cross-site", "navigate", "document"
	case elsewhere:
		header["Sec-Fetch-Site"] = "cross-site"
	}
	if w.token != "" {
		header["Secure-Session-Response"] = w.token
	}
	if s.shows() != "" {
		header["Content-Type"] = "application/json"
	}
	if s.Do == "call of a program" {
		header["Authorization"] = []string{"Bearer right", "Bearer wrong", "Basic eDp5"}[s.N%3]
	}
	return header
}

// sends returns the cookies that the browser sends with the request of a step. For a form of another site,
// SameSite withholds the session's cookie unless it is None; for a link, only if it is Strict. The cookie
// of remember-me is Lax.
func (w *world) sends(s Step, names []string) map[string]cookie {
	cookies := w.browser(s).cookies(s.Old)
	switch elsewhere, link := s.fromElsewhere(); {
	case link && w.shared.SameSite == 1:
		for _, name := range names {
			delete(cookies, name)
		}
	case elsewhere && !link && w.shared.SameSite < 2:
		clear(cookies)
	case elsewhere && !link:
		delete(cookies, rememberName(0))
		delete(cookies, rememberName(1))
	}
	return cookies
}

// accepted returns the id in the value of a cookie, if it is signed with a secret that p accepts.
func (p *process) accepted(value string) string {
	id := idIn(value)
	if id == "" || p.shared.Deploy != 3 || p.number == 0 || slices.ContainsFunc([]string{"", "2"}, func(suffix string) bool {
		return value == signAsNode(newer+suffix, id)
	}) {
		return id
	}
	return ""
}

// known returns a remember-me token, or another text if p does not accept the secret that signed it.
func (w *world) known(p *process, token string) string {
	if token != "" && w.shared.Deploy == 3 && p.number == 1 && w.signed[token] == 0 {
		return "unknown"
	}
	return unsigned(token)
}

// unsigned returns a remember-me token without the signature, which each process makes with its first
// secret.
func unsigned(token string) string { return token[:max(strings.LastIndexByte(token, '.'), 0)] }

// upstream is the server behind a reverse proxy. It shows the cookies that it got, and sets cookies with
// the program's names.
type upstream struct{ names []string }

func (u upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	for _, name := range u.names {
		header.Add("Set-Cookie", name+"=; Path=/; Max-Age=0; Secure")
	}
	header.Set("Clear-Site-Data", `"cookies"`)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: r,
		Body: io.NopCloser(strings.NewReader(r.Header.Get("User") + " " + r.Header.Get("Cookie"))),
	}, nil
}
