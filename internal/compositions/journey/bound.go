package journey

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/devicetest"
	"github.com/seed-6f34412b/passport/session"
)

// This file has the browsers that bind their sessions to a key, and thieves who have the cookie but not the
// key.

// A proof is valid for proofFor; the id before a registration is valid for less than boundGrace.
const proofFor, boundGrace = 10 * time.Minute, 11 * time.Second

// binds reports whether sessions can be bound, see excluded.
func (s Switches) binds() bool { return s.Bound == 1 && s.possible() }

func (s Switches) deviceBound(suffix string) (d session.DeviceBound) {
	if s.binds() {
		d = session.DeviceBound{Lifetime: proofFor, Path: "/device-bound" + suffix, CookieName: proofName(suffix)}
	}
	return d
}

func proofName(suffix string) string { return "__Host-bound" + suffix + "-" }

// suffix is the end of the names of guard g's Manager.
func (s Switches) suffix(g int) string {
	if g > 0 && s.Guards == 2 {
		return "2"
	}
	return ""
}

// proof returns the name of the cookie with the proof for an id, or "" if the id is not bound.
func (w *world) proof(g int, id string) string {
	if to := devicebound.Of(id); to != "" {
		return proofName(w.shared.suffix(g)) + to.Tag()
	}
	return ""
}

// between returns the part of text between before and the next after.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// ofTheDevice sends a request to the device-bound handler, as the browser does without the page.
func (w *world) ofTheDevice(p *process, g int, jar map[string]cookie, header map[string]string) *http.Response {
	return send(context.Background(), p.handler, http.MethodPost, "/device-bound"+w.shared.suffix(g), "", jar, header)
}

// prove gets a proof for the presented session, if the browser has its key and no proof yet.
func (w *world) prove(s Step, p *process, g int) {
	b := w.browser(s)
	jar := b.cookies(false)
	id := idIn(jar[p.names[g][0]].value)
	key := b.keys[devicebound.Of(id).Tag()]
	if key == nil || jar[w.proof(g, id)].value != "" {
		return
	}
	name := devicebound.Of(id).Name()
	asked := w.ofTheDevice(p, g, jar, map[string]string{"Sec-Secure-Session-Id": name})
	_ = asked.Body.Close()
	challenge := between(asked.Header.Get("Secure-Session-Challenge"), `"`, `"`)
	proved := w.ofTheDevice(p, g, jar, map[string]string{"Sec-Secure-Session-Id": name, "Secure-Session-Response": key.Refresh(challenge)})
	_ = proved.Body.Close()
	w.model.Want(proved.StatusCode == http.StatusOK, "bound: a browser that has the key gets no proof", "got %d", proved.StatusCode)
	for _, c := range proved.Cookies() {
		b.jar[c.Name] = cookie{c.Value, time.Now().Add(time.Duration(c.MaxAge) * time.Second)}
	}
}

// bind registers a key. If the challenge was for another session, the browser signs the one in the answer.
func (w *world) bind(ctx context.Context, s Step) *request {
	_, g := w.at(s)
	b, key := w.browser(s), devicetest.Make()
	if b.offers[w.shared.suffix(g)] == "" {
		return nil
	}
	defer func() { w.token = "" }()
	var r *request
	for challenge := b.offers[w.shared.suffix(g)]; ; challenge = r.challenge {
		w.token = key.Registration(challenge)
		if r = w.request(ctx, s, http.MethodPost, "/device-bound"+w.shared.suffix(g), ""); r.Status != http.StatusForbidden {
			break
		}
	}
	if r.Status == http.StatusOK {
		b.keys[devicebound.Of(r.ID).Tag()] = key
	}
	time.Sleep(boundGrace)
	return r
}

// provesNothing are the steps that may be sent without a proof: pages, log-ins and log-outs.
var provesNothing = []string{"page", "proved page", "fresh page", "admin page", "a thief's page", "log in", "log in wrong", "log in by provider", "log out", "get"}

var bounds = []action{
	{"bind the session", 8, func(w *world, ctx context.Context, s Step) *request { return w.bind(ctx, s) },
		func(w *world, _ Step, r *request) {
			if r != nil {
				w.model.Bind(&r.Visit)
			}
		}},
	{"a thief's page", 6, func(w *world, ctx context.Context, s Step) *request {
		s.Lost = true
		return w.send(ctx, s, "me")
	}, func(w *world, _ Step, r *request) {
		page := model.Me
		if w.shared.Factor == 2 {
			page = model.Proved
		}
		w.model.Page(&r.Visit, page)
	}},
}

// unproved returns those of the request's ids that are bound, and for which its cookies have no proof.
func (w *world) unproved(g int, ids []string, cookies map[string]cookie) (list []string) {
	for _, id := range ids {
		if name := w.proof(g, id); name != "" && cookies[name].value == "" && w.shared.binds() {
			list = append(list, id)
		}
	}
	return list
}

// asSent changes a step to what its browser or a thief can do with bound sessions.
func (w *world) asSent(s Step) Step {
	if w.shared.binds() && !slices.Contains(provesNothing, s.Do) {
		s.Old = false
	}
	return s
}
