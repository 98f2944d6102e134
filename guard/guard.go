package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// Config says how a Guard works. Its zero value makes a stateless guard, for APIs
// whose requests all carry credentials.
type Config struct {
	// Sessions remembers who logged in. The guard always uses this Manager, also inside
	// the Handler of another one, and its middlewares mount it. Nil makes a stateless
	// guard: the middlewares that need a session panic while routes are built.
	// Passport: app.use(session(…)), and session: false for nil.
	Sessions *session.Manager

	// SessionKey names the guard: the session keeps its log-in under this key. Empty
	// means "passport", which Node reads. Two guards, such as users and admins, live
	// in one session under two keys: New refuses the key of another guard, unless both have
	// the same serializer. Passport: the key option of its SessionManager.
	SessionKey string

	// LoginURL is where browsers go when nobody is logged in, with the page they wanted in
	// the parameter return_to: a local path ("/login") or an http or https URL. Empty
	// answers 401 to them too. Only GET and HEAD are redirected. Refused credentials are
	// answered where they were sent, such as the answer of a provider ([strategy.CallbackRefusal]).
	// For [Guard.RequireFresh] there is a parameter max_age, in seconds, too.
	// connect-ensure-login: redirectTo.
	LoginURL string

	// StepUpURL is LoginURL for a user who is logged in but lacks a factor that
	// [Guard.RequireFactor] asks for. Empty answers 401.
	StepUpURL string

	// BindURL is LoginURL for a user whose session is not bound to a device, which
	// [Guard.RequireBound] asks for: a page that waits until the browser has bound it, and tells
	// users whose browser cannot. Empty answers 401.
	BindURL string

	// EndUnproved ends all sessions of a user when the cookie of a bound session comes without
	// its proof ([session.DeviceBound]): the cookie may have been copied, and others with it.
	// False refuses that request alone, since a browser that lost its key looks the same.
	EndUnproved bool

	// Factors says which second factors a user has, see [FactorsOf]. A log-in without one
	// of them is pending: no route accepts it, and [Guard.StepUp] completes it. If a
	// route needs a user, browsers are sent to StepUpURL, and others get the challenge of
	// RFC 9470, which names the factor. This applies to passwords and to RememberMe, and
	// not to the credentials of programs ([strategy.ForPrograms]). With the zero value only
	// [Guard.RequireFactor] asks for a second factor.
	Factors UserFactors

	// TrustedOrigins are other origins ("https://shop.example") whose pages may send unsafe
	// requests with cookies. List each sub-domain: it is another origin. A default port,
	// capitals and non-ASCII letters are normalized as browsers do. Empty means none. See
	// [http.CrossOriginProtection.AddTrustedOrigin].
	TrustedOrigins []string

	// TrustOrigin decides about origins that cannot be listed, such as tenants' domains
	// and preview deployments: it is called for those that TrustedOrigins does not have.
	// It gets the header Origin, such as "https://shop.example", and must compare all of
	// it. Nil trusts none. It must be safe for concurrent use.
	TrustOrigin func(origin string) bool

	// MaxSessions is how many sessions a user may have at once; zero means no limit. A log-in
	// beyond it ends the oldest session, and that browser is no longer remembered. The age of
	// a session is that of its log-in, or its own where it began later. The sessions that
	// RememberMe makes for one browser count as one. A log-in with credentials counts also
	// where the user is logged in already: it replaces that session, but two at once would
	// make two. [Guard.LogInUser] for the session's own user, StepUp and other renewals make
	// no new session, unless they complete a pending log-in. Each log-in lists the user's
	// sessions. OWASP ASVS 5.0 7.1.2.
	MaxSessions int

	// RefuseMore refuses a log-in beyond MaxSessions with ErrTooManySessions instead, and
	// changes nothing: the visitor's session, other log-ins in it and the remembered browser
	// stay. If the limit was lowered and a user has more sessions already, a further log-in is
	// refused in those browsers too, and they stay logged in. Somebody who knows a user's
	// password can lock the user out in this way.
	RefuseMore bool

	// Device returns what a log-in stores about the browser, for [Guard.Sessions] to list:
	// [ClientDevice], or a function of yours. It is personal data. If nil, nothing is
	// stored.
	Device func(*http.Request) Device

	// RememberMe logs a visitor in again whose browser was remembered at a log-in
	// ([LogInOptions].RememberMe). RequireAuth, Restore, Check and "session" use it when the
	// session has no user. Such a log-in is never fresh ([Guard.RequireFresh]). It ends by a
	// log-out, by LogOutEverywhere and EndSession, by a change of the security stamp, and, with
	// all of the user's sessions, when the cookie turns out to be stolen. If nil, no browser is
	// remembered. A process without it cannot forget a browser that another process remembers:
	// set it in all processes before one of them uses LogInOptions.RememberMe, and remove it
	// after the last. New refuses a cookie whose Secure attribute differs from the session's,
	// one without the prefix __Host- over https, and one with the name of another guard's.
	// Passport: passport-remember-me.
	RememberMe *remember.Service

	// TrustedProxies are the proxies whose X-Forwarded-For is used for the address in an
	// Event, see [strategy.ClientAddr] and [ParseProxies]. If empty, it is the address of the connection.
	TrustedProxies []netip.Prefix

	// Logger gets every Event, and warnings for operators. Nil means slog.Default(). No
	// credential, cookie or session id is ever logged.
	Logger *slog.Logger

	// OnEvent, if set, gets every Event too, on the request's goroutine: it must not
	// block, and must be safe for concurrent use.
	OnEvent func(context.Context, Event)

	// Error answers every request that the guard refuses, and those whose session could
	// not be saved below a middleware of the guard, unless session.Config.ErrorHandler is
	// set: the place for an application's error page. It replaces [Guard.Error]; it may
	// call that, and if it writes nothing, Guard.Error answers.
	Error func(w http.ResponseWriter, r *http.Request, err error)

	// ErrorPage writes the page of a refusal where [Guard.Error] would write its small one: for a browser's
	// window that is not redirected. It must write p.Status. The headers that belong to the answer, such as
	// Cache-Control and WWW-Authenticate, are set, and X-Frame-Options: DENY, unless there is another one.
	// Programs get their problem document without it. If it writes nothing, or is nil, the small page is sent.
	ErrorPage func(w http.ResponseWriter, r *http.Request, p Problem)
}

// Guard lets users pass whom a strategy or the session knows, and refuses everyone else: a
// Passport instance. New makes one; it is immutable and safe for concurrent use.
type Guard[U any] struct {
	cfg        Config
	owner      any                                             // of the request state: Config.Sessions, or the guard
	answerer   func(http.ResponseWriter, *http.Request, error) // answerRefused
	users      serializer.Serializer[U]
	factors    func(context.Context, U) ([]string, error) // Config.Factors; nil for none
	stamps     stamps[U]                                  // nil if the serializer has no stamps
	strategies []strategy.Strategy[U]
	reserved   []strategy.Strategy[U]
	programs   map[string]bool // the names of strategies for programs' credentials, strategy.ForPrograms
	cross      *http.CrossOriginProtection
	remembers  string // the name of RememberMe's cookie
	strict     bool   // the session's cookie is SameSite=Strict
	watcher    *watcher[U]
	binds      bool // session.Config.DeviceBound is set
	reportOnly bool // session.DeviceBound.ReportOnly is set
	shutdowns  shutdowns
}

// New returns a guard that authenticates by the given strategies and turns users
// into session ids by users. The error names every mistake at once, with its cure;
// it wraps no sentinel. users may be nil for a stateless guard.
//
// Passport: new Passport(), passport.use, passport.serializeUser and
// deserializeUser; Nest: PassportModule.register.
func New[U any](cfg Config, users serializer.Serializer[U], strategies ...strategy.Strategy[U]) (*Guard[U], error) {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf("guard: "+format, args...)) }

	if cfg.SessionKey == "" {
		cfg.SessionKey = "passport"
	}
	cfg.TrustedOrigins, cfg.TrustedProxies = slices.Clone(cfg.TrustedOrigins), slices.Clone(cfg.TrustedProxies)
	g := &Guard[U]{cfg: cfg, strategies: slices.Clone(strategies), cross: http.NewCrossOriginProtection()}
	g.cfg.check(g.cross, wrong)
	if strategy.IsNilUser(users) {
		if cfg.Sessions != nil {
			wrong("the serializer is nil: pass one, such as serializer.ByID, or leave Config.Sessions out for a stateless guard")
		}
	} else {
		g.users = users
		var hidden bool
		if g.stamps, hidden = stampsOf(users); hidden {
			wrong("the serializer (%T) hides the stamp of the one in it, and a change of the password would log nobody out: put serializer.WithStamp outermost, or give it a method Stamp that passes the stamp on", users)
		}
	}
	g.checkFactors(wrong)
	checkStrategies(strategies, wrong)
	if mistakes == nil {
		g.claimNames(wrong)
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}

	g.programs = map[string]bool{}
	for _, s := range strategies {
		if p, ok := strategy.Ability[strategy.ForPrograms](s); ok {
			g.programs[s.Name()] = p.ForPrograms()
		}
	}
	g.owner, g.answerer, g.watcher = g, g.answerRefused, &watcher[U]{g}
	if cfg.Sessions != nil {
		g.owner, g.strict = cfg.Sessions, cfg.Sessions.SameSite() == http.SameSiteStrictMode
		g.binds, g.reportOnly = cfg.Sessions.Binding().Lifetime > 0, cfg.Sessions.Binding().ReportOnly
		g.reserved = append(g.reserved, &sessionStrategy[U]{g})
	}
	g.reserved = append(g.reserved, strategy.Anonymous[U]())
	return g, nil
}

// check returns every mistake in c, and gives cross its trusted origins.
func (c *Config) check(cross *http.CrossOriginProtection, wrong func(string, ...any)) {
	switch c.SessionKey {
	case "cookie", "flash", "messages", keyReturnTo:
		wrong("Config.SessionKey %q is used for something else in the session: choose another, such as \"admin\"", c.SessionKey)
	}
	if reqstate.NodeDrops(c.SessionKey) {
		wrong("Config.SessionKey %q: Node's express-session drops a value of that name: choose another, such as \"admin\"", c.SessionKey)
	}
	if !plainKey(c.SessionKey) || len(c.SessionKey) > maxSessionKey {
		wrong("Config.SessionKey %q: use a letter, and then letters, digits, - and _, at most %d in all", c.SessionKey, maxSessionKey)
	}
	switch {
	case c.MaxSessions < 0:
		wrong("Config.MaxSessions is %d: give the most sessions of a user, or 0 for no limit", c.MaxSessions)
	case c.MaxSessions == 0 && c.RefuseMore:
		wrong("Config.RefuseMore refuses nothing without MaxSessions: set it, or leave RefuseMore out")
	}
	if c.Sessions == nil && (c.MaxSessions > 0 || c.Device != nil || c.RememberMe != nil) {
		wrong("Config.MaxSessions, Device and RememberMe need sessions: set Config.Sessions, or leave them out")
	}
	if bound := c.Sessions != nil && c.Sessions.Binding().Lifetime > 0; !bound && (c.EndUnproved || c.BindURL != "") {
		wrong("Config.EndUnproved and BindURL do nothing where no session is bound: set session.Config.DeviceBound, or leave them out")
	} else if bound && c.RememberMe != nil {
		wrong("Config.RememberMe logs whoever has its cookie in to a session that is not bound, which is a way round session.Config.DeviceBound: leave one of the two out; session.Config.Persistent and a long IdleTimeout remember a browser too")
	}
	if c.RememberMe != nil && c.Sessions != nil {
		c.checkRememberMe(wrong)
	}
	for _, u := range []struct{ field, url string }{{"LoginURL", c.LoginURL}, {"StepUpURL", c.StepUpURL}, {"BindURL", c.BindURL}} {
		if err := checkRedirect(u.url); err != nil {
			wrong("Config.%s %q: %w", u.field, u.url, err)
		}
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() || p.Bits() == 0 || p.Addr().Is4In6() {
			wrong("Config.TrustedProxies has %v: give the addresses of your own proxies, like 10.0.0.0/8", p)
		}
	}
	for _, origin := range c.TrustedOrigins {
		canonical, err := canonicalOrigin(origin)
		if err == nil {
			err = cross.AddTrustedOrigin(canonical)
		}
		if err != nil {
			wrong("Config.TrustedOrigins: invalid origin %q: %w: write it like https://shop.example", origin, err)
		}
	}
}

// checkRememberMe compares the cookie of RememberMe with the session's.
func (c *Config) checkRememberMe(wrong func(string, ...any)) {
	cookie := c.RememberMe.Gone()
	switch name := cookie.Name; {
	case name == c.Sessions.CookieName():
		wrong("Config.RememberMe has the cookie name %q, which is the session's: give remember.Config another CookieName", name)
	case cookie.Secure != c.Sessions.Secure():
		wrong("Config.RememberMe and the session differ in InsecureHTTP, and over http only one of the two cookies would come back: set it in both remember.Config and session.Config, or in neither")
	case cookie.Secure && !strings.HasPrefix(strings.ToLower(name), "__host-"):
		wrong("Config.RememberMe has the cookie name %q, under which any other sub-domain can set one: leave out remember.Config.CookieName, or begin it with __Host-", name)
	}
}

// claimNames claims the session key and the cookies that no other guard of the same sessions may have.
func (g *Guard[U]) claimNames(wrong func(string, ...any)) {
	c := &g.cfg
	if c.Sessions == nil {
		return
	}
	slot := "slot:" + c.SessionKey
	claims := []reqstate.Claim{{Name: slot, Owner: g.users}}
	if c.RememberMe != nil {
		g.remembers = c.RememberMe.Gone().Name
		claims = append(claims, reqstate.Claim{Name: "cookie:" + g.remembers, Owner: c.SessionKey})
	}
	for _, taken := range c.Sessions.Claim(claims, g.strategyCookies()...) {
		if taken.Name != slot {
			wrong("Config.RememberMe has the cookie name %q, which another guard's has too, and the log-out of the one would make the browser forget the other: make one for each guard, and give remember.Config another CookieName", g.remembers)
			continue
		}
		wrong("another guard of the same session.Manager has the SessionKey %q, and user 1 of the one would be user 1 of the other: "+
			"give this guard a Config.SessionKey of its own, such as \"admin\", or the same serializer, if they are the same users", c.SessionKey)
	}
}

// maxSessionKey is the length of the longest key; it limits the list of keys in a record.
const maxSessionKey = 64

// plainKey reports whether key may name a guard. Labels of a session begin with the key and a colon.
func plainKey(key string) bool {
	for i, c := range []byte(key) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

func checkStrategies[U any](strategies []strategy.Strategy[U], wrong func(string, ...any)) {
	seen := map[string]bool{}
	for i, s := range strategies {
		if strategy.IsNilUser(s) {
			wrong("strategy %d is nil: check the error of the function that made it", i+1)
			continue
		}
		switch name := s.Name(); {
		case name == "":
			wrong("strategy %d (%T) has no name: its Name method must return one", i+1, s)
		case name == strategy.NameSession || name == strategy.NameAnonymous || name == strategy.NameRemember:
			wrong("strategy %d (%T) has the reserved name %q: choose another; the guard has that one built in", i+1, s, name)
		case seen[name]:
			wrong("two strategies are called %q: give one of them another name", name)
		default:
			seen[name] = true
		}
	}
}

// chain returns the strategies of the given names, all if there are none. It panics for an unknown name,
// while routes are built; route is the name of the method that was called.
func (g *Guard[U]) chain(route string, names []string) []strategy.Strategy[U] {
	if len(names) == 0 {
		if len(g.strategies) == 0 {
			panic("guard: " + route + ": the guard has no strategies: pass some to New")
		}
		return g.strategies
	}
	all := slices.Concat(g.strategies, g.reserved)
	list := make([]strategy.Strategy[U], 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(all, func(s strategy.Strategy[U]) bool { return s.Name() == name })
		if i < 0 {
			if name == strategy.NameSession {
				g.needSessions(route + "(\"session\")")
			}
			known := make([]string, len(all))
			for i, s := range all {
				known[i] = s.Name()
			}
			panic(fmt.Sprintf("guard: %s: unknown strategy %q: this guard knows %s", route, name, strings.Join(known, ", ")))
		}
		list = append(list, all[i])
	}
	return list
}

func (g *Guard[U]) needSessions(route string) {
	if g.cfg.Sessions == nil {
		panic("guard: " + route + " needs sessions, and this guard is stateless: set Config.Sessions")
	}
}

// withSession returns h, which calls next, inside the session's Handler, or inside stateless for a guard
// without sessions.
func (g *Guard[U]) withSession(route string, next, h http.Handler) http.Handler {
	if f, ok := next.(http.HandlerFunc); next == nil || ok && f == nil {
		panic("guard: " + route + ": the next handler is nil")
	}
	if g.cfg.Sessions == nil {
		return &stateless{g.owner, h}
	}
	return g.cfg.Sessions.Handler(h)
}

// stateless gives a request the state of a guard without sessions, as a session's Handler gives it one with
// a session.
type stateless struct {
	owner any
	next  http.Handler
}

// ServeHTTP implements [http.Handler].
func (h *stateless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reqstate.Of(r.Context(), h.owner) != nil {
		h.next.ServeHTTP(w, r)
		return
	}
	st := &reqstate.State{Context: r.Context(), Owner: h.owner, Outer: reqstate.Of(r.Context(), reqstate.Anyone), Foreign: reqstate.ForeignOf(r)}
	inner := r.WithContext(st)
	defer reqstate.HandBack(r, inner, nil)
	h.next.ServeHTTP(w, inner)
}

// requestState returns the state of the request, and marks the response as one that caches must not keep.
func (g *Guard[U]) requestState(w http.ResponseWriter, r *http.Request) *reqstate.State {
	st := reqstate.Of(r.Context(), g.owner)
	if st.Slots != nil {
		st.Slots.Guarded(g.answerer, true)
	} else if w.Header()["Cache-Control"] == nil {
		w.Header().Set("Cache-Control", "no-store")
	}
	return st
}

// gate is a middleware that lets a request pass if decide returns no error. It does not ask for the user.
type gate[U any] struct {
	g      *Guard[U]
	next   http.Handler
	decide func(r *http.Request, st *reqstate.State) (U, error)
}

// ServeHTTP implements [http.Handler].
func (m *gate[U]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := m.g.requestState(w, r)
	if _, err := m.decide(r, st); err != nil {
		m.g.refuse(w, r, err)
		return
	}
	m.next.ServeHTTP(w, r)
}

func (g *Guard[U]) gate(route string, next http.Handler, decide func(*http.Request, *reqstate.State) (U, error)) http.Handler {
	return g.withSession(route, next, &gate[U]{g, next, decide})
}
