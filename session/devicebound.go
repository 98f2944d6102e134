package session

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// DeviceBound makes browsers bind sessions to a key that does not leave the device (Device Bound Session
// Credentials), so that a copied cookie can be used for minutes at most. It is experimental until the W3C's
// text is a Recommendation. docs/DEVICE-BOUND.md says what it protects against, which browsers support it,
// and how to introduce it.
//
// The response to a log-in offers the registration of a key. A browser that supports it makes one, and the
// session gets a new id, which says that it is bound and to which key. So Node cannot lose the binding, and
// every renewal keeps it. From then on every use of the session needs a proof, in a second cookie that the
// browser gets by signing a challenge, and renews regularly. It costs no store command. Sessions of other
// browsers stay as they are.
//
// For ten seconds the id from before the registration finds the session too. If the store reads from a
// replica or a cache that lags, it does until that has caught up, as after a log-out.
//
// [Manager.DeviceBound] is the handler to mount. guard.Guard.RequireBound lets only bound
// sessions pass.
type DeviceBound struct {
	// Lifetime is how long a proof is valid, and so how long a copied cookie can be used: five or ten
	// minutes are usual. Browsers get a new one a little earlier. Zero binds no session, and sessions that
	// are bound already need no proof. Otherwise it is at least 2 seconds and at most a day.
	Lifetime time.Duration

	// Path is where [Manager.DeviceBound] is mounted. Empty means "/device-bound". It must lie
	// below Config.Path.
	Path string

	// CookieName is the beginning of the name of the cookie with the proof; 8 characters follow, which
	// differ for each key. Empty means "__Host-bound-"; any other must also begin with __Host-.
	CookieName string

	// Origin is the application's origin for browsers, such as "https://app.example". Empty means https and
	// the header Host of the request, which a reverse proxy must leave unchanged.
	Origin string

	// ReportOnly lets requests without a proof pass, and guards still send the event
	// guard.EventBindingFailed: for the first weeks. guard.Guard.RequireBound needs the proof even then.
	ReportOnly bool
}

// ErrUnproved is returned by [Manager.OpenCookies] and [Manager.OpenValue] for a bound session
// without a proof that its cookie comes from the same browser. The session stays. In a
// request, guards answer 401 and FromContext returns an empty session, of which nothing is
// stored; the cookie stays too. See Config.DeviceBound.
var ErrUnproved = errors.New("session: bound to a device, and the request has no proof that it comes from there")

const (
	// boundGrace is how long after a session was bound its previous id still finds it.
	boundGrace = 10 * time.Second

	minProof, maxProof = 2 * time.Second, 24 * time.Hour
)

// bound is the state of a Manager with Config.DeviceBound.
type bound struct {
	DeviceBound

	sealer    *devicebound.Sealer
	sameSite  http.SameSite
	attribute string // of the cookie, in the form that browsers compare
}

// checkBound sets the defaults of DeviceBound, and reports its mistakes.
func (c *Config) checkBound(bad func(string, ...any)) {
	d := &c.DeviceBound
	if d.Lifetime == 0 {
		if *d != (DeviceBound{}) {
			bad("DeviceBound binds no session without a Lifetime: set it, such as to 10*time.Minute, or leave the others out")
		}
		return
	}
	if d.Path == "" {
		d.Path = "/device-bound"
	}
	if d.CookieName == "" {
		d.CookieName = "__Host-bound-"
	}
	if d.Lifetime < minProof || d.Lifetime > maxProof {
		bad("DeviceBound.Lifetime is %v: want %v to %v, or 0 to bind no session", d.Lifetime, minProof, maxProof)
	}
	if !cookies.ValidPath(d.Path) || strings.ContainsAny(d.Path, "\"\\?#%") {
		bad("DeviceBound.Path %q is not a plain path that begins with /: use /device-bound", d.Path)
	} else if c.Path != "/" && !strings.HasPrefix(d.Path, strings.TrimSuffix(c.Path, "/")+"/") {
		bad("DeviceBound.Path %q does not lie below Path %q, and the session's cookie would not come there", d.Path, c.Path)
	}
	if !strings.HasPrefix(d.CookieName, "__Host-") {
		bad("DeviceBound.CookieName %q does not begin with __Host-, and other hosts could set it", d.CookieName)
	} else {
		c.checkName(bad, "DeviceBound.CookieName", d.CookieName, "", "/")
	}
	if d.Origin != "" {
		if u, err := url.Parse(d.Origin); err != nil || u.Scheme != "https" || u.Host == "" || d.Origin != "https://"+u.Host {
			bad("DeviceBound.Origin %q is not an origin: write it like https://app.example", d.Origin)
		}
	}
	for _, name := range append([]Accept{{Name: c.Name}}, c.AlsoAccept...) {
		if strings.HasPrefix(name.Name, d.CookieName) {
			bad("DeviceBound.CookieName %q begins the name of the session's cookie: choose another", d.CookieName)
		}
	}
	switch {
	case c.InsecureHTTP:
		bad("DeviceBound needs https: drop InsecureHTTP")
	case c.Domain != "":
		bad("DeviceBound binds the sessions of one host: drop Domain")
	case c.Partitioned:
		bad("DeviceBound does not go with Partitioned: drop one of the two")
	}
}

// newBound returns the bound for c.DeviceBound, nil if that is off.
func (c *Config) newBound() *bound {
	d := c.DeviceBound
	if d.Lifetime == 0 {
		return nil
	}
	b := &bound{DeviceBound: d, sameSite: c.SameSite, attribute: "Path=/; Secure; HttpOnly; SameSite=Lax"}
	switch c.SameSite {
	case http.SameSiteStrictMode:
		b.attribute = "Path=/; Secure; HttpOnly; SameSite=Strict"
	case http.SameSiteNoneMode:
		b.attribute = "Path=/; Secure; HttpOnly; SameSite=None"
	}
	b.sealer = devicebound.NewSealer(c.Codec.codec().Derive("device-bound sessions")...)
	return b
}

// grace returns Settings.Grace.
func (b *bound) grace() time.Duration {
	if b == nil {
		return 0
	}
	return boundGrace
}

// ahead is how long before the end of a proof browsers get a new one: it allows for different clocks and
// for requests that are on their way.
func (b *bound) ahead() time.Duration { return min(b.Lifetime/4, 30*time.Second) }

// challenges is how long a challenge is valid: it may be sent with one proof and be used for the next.
func (b *bound) challenges() time.Duration { return b.Lifetime + 5*time.Minute }

// cookie returns the name of the cookie with the proof for to. Each key has its own: a late response about
// the previous key must not remove the proof for this one.
func (b *bound) cookie(to devicebound.Binding) string { return b.CookieName + to.Tag() }

// line returns the Set-Cookie line's settings for that cookie.
func (b *bound) line(to devicebound.Binding) *cookies.Line {
	line, err := cookies.NewLine(cookies.Attributes{Name: b.cookie(to), Path: "/", HTTPOnly: true, Secure: true, SameSite: b.sameSite, MaxAge: true})
	if err != nil {
		panic("session: internal error: " + err.Error()) // complete has checked it
	}
	return line
}

// proof returns the Set-Cookie line with a proof for to.
func (b *bound) proof(to devicebound.Binding, now time.Time) (string, error) {
	return b.line(to).Set(b.sealer.Proof(to, now), now, now.Add(b.Lifetime-b.ahead()))
}

// proves reports whether the cookies of s have a proof for to.
func (b *bound) proves(s *Session, to devicebound.Binding) bool {
	for value := range cookies.Values(s.cookies, b.cookie(to)) {
		if b.sealer.Proves(value, to, time.Now(), b.Lifetime) {
			return true
		}
	}
	return false
}

// expire makes the browser delete the proofs that it sent for the sessions that it presented.
func (b *bound) expire(s *Session) {
	for id := range s.visit.Presented() {
		if to := devicebound.Of(id); to != "" && cookies.Sent(s.cookies, b.cookie(to)) {
			line := b.line(to)
			s.req.setCookie(line, line.Expire())
		}
	}
}

// judge checks the proof for id, which s presents, and records in the visit that it has none.
func (b *bound) judge(s *Session, id string) {
	if to := devicebound.Of(id); to != "" && !b.ReportOnly && !b.proves(s, to) {
		s.visit.Unproved(id)
	}
}

// Bound reports whether the session is bound to a key of the browser, see Config.DeviceBound.
func (s *Session) Bound() bool {
	s.lock()
	defer s.mu.Unlock()
	return devicebound.Of(s.visit.ID) != ""
}

// offer makes the response offer the registration of a key for the session, if somebody is logged in and it
// is not bound. The caller holds mu.
func (s *Session) offer() {
	b, id := s.m.bound, s.visit.ID
	if s.req == nil || id == "" || devicebound.Of(id) != "" || len(s.visit.Record().LogIns(s.m.cfg.AbsoluteTimeout, time.Now())) == 0 {
		return
	}
	s.req.toAnswer().offer = `(ES256 RS256);path="` + b.Path + `";challenge="` + b.sealer.Offer(id, time.Now()) + `"`
}

func (t *slots) Bound(ctx context.Context) (reqstate.Binding, error) {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return reqstate.Unbound, err
	}
	defer s.mu.Unlock()
	switch to := devicebound.Of(s.visit.ID); {
	case to == "" || s.m.bound == nil:
		return reqstate.Unbound, nil
	case s.m.bound.proves(s, to):
		return reqstate.Proved, nil
	case s.visit.Via == protocol.Followed:
		return reqstate.JustBound, nil
	}
	return reqstate.Unproved, nil
}

func (t *slots) Suspect(key string) (ref string, slot reqstate.Slot) {
	s := (*Session)(t)
	s.lock()
	defer s.mu.Unlock()
	id, slot := s.visit.SuspectSlot(key, time.Now())
	if id == "" { // Config.DeviceBound.ReportOnly
		id = s.visit.ID
		slot, _ = s.visit.Slot(key, time.Now())
	}
	return refOf(id), slot
}

func (t *slots) Offer() {
	s := (*Session)(t)
	s.lock()
	defer s.mu.Unlock()
	if s.m.bound != nil && !s.closed {
		s.offer()
	}
}
