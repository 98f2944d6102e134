package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

const (
	secret = "a made-up secret of 32 bytes or more"
	older  = "an older made-up secret of 32 bytes or more"

	idle     = 30 * time.Minute
	refresh  = 3 * time.Minute
	absolute = 8 * time.Hour
	grace    = 30 * time.Second
	remFor   = 10 * 24 * time.Hour

	freeGuesses = 1
)

// guardKeys are the session keys of the guards.
var guardKeys = []string{"passport", "admin"}

// user is the application's own type.
type user struct {
	ID       int
	Role     string
	Password int // how often it was changed
}

// objectID is what an application that wants the role in the session keeps.
type objectID struct {
	ID   int    `json:"id"`
	Role string `json:"role"`
}

// table is the users table of one guard.
type table struct {
	mu   sync.Mutex
	rows map[int]user
}

func newTable() *table {
	t := &table{rows: map[int]user{}}
	for id := 1; id <= 3; id++ {
		t.rows[id] = user{ID: id, Role: "member"}
	}
	return t
}

func (t *table) byID(_ context.Context, id int) (*user, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.rows[id]
	if !ok {
		return nil, serializer.ErrUserGone
	}
	return &u, nil
}

// row returns the user of that id.
func (t *table) row(id int) *user { return t.change(id, func(*user) {}) }

func (t *table) change(id int, f func(*user)) *user {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.rows[id]
	f(&u)
	t.rows[id] = u
	return &u
}

// named is a serializer of ids that hold a role: who the user is, is the member id.
type named struct {
	serializer.Serializer[*user]
}

// UserName implements [serializer.Namer].
func (named) UserName(id json.RawMessage) (string, error) {
	var v objectID
	if err := json.Unmarshal(id, &v); err != nil {
		return "", err
	}
	return strconv.Itoa(v.ID), nil
}

// shared is what all processes of the program share.
type shared struct {
	Switches
	tables  []*table
	cells   strategy.Cells
	counter strategy.Counter
	events  func(guard.Event)
}

// process is one running program.
type process struct {
	shared   *shared
	number   int
	managers []*session.Manager // by guard; one manager for both is there twice
	guards   []*guard.Guard[*user]
	memory   []*remember.Me // by guard; nil where browsers are not remembered
	names    [][]string     // the cookies' names that a manager accepts, in order
	handler  http.Handler
}

// newProcess starts the process of that number. The probe's process asks the store directly.
func (s *shared) newProcess(number int, st session.Store) (*process, error) {
	p := &process{shared: s, number: number}
	logger := slog.New(slog.DiscardHandler)
	for g := range s.guardCount() {
		if g == 0 || s.Guards == 2 {
			cfg := session.Config{Store: st, IdleTimeout: idle, AbsoluteTimeout: absolute, Logger: logger, Persistent: s.Cookie > 0, Rolling: s.Cookie > 1}
			suffix := ""
			if g > 0 {
				suffix = "2"
			}
			first, second := "connect.sid"+suffix, "__Host-sid"+suffix
			cfg.Name, cfg.Codec = first, session.Express(older+suffix)
			names := []string{first}
			if s.Deploy == 1 {
				other := session.Accept{Name: second, Codec: session.SecureCookie(secret + suffix)}
				if number > 0 {
					cfg.Name, cfg.Codec = second, session.SecureCookie(secret+suffix)
					other = session.Accept{Name: first, Codec: session.Express(older + suffix), Reissue: true}
				}
				cfg.AlsoAccept = []session.Accept{other}
				names = []string{cfg.Name, other.Name}
			}
			switch s.SameSite {
			case 1:
				cfg.SameSite = http.SameSiteStrictMode
			case 2:
				cfg.SameSite, cfg.Partitioned = http.SameSiteNoneMode, true
			}
			m, err := session.New(cfg)
			if err != nil {
				return nil, err
			}
			p.managers, p.names = append(p.managers, m), append(p.names, names)
		} else {
			p.managers, p.names = append(p.managers, p.managers[0]), append(p.names, p.names[0])
		}
		if err := p.addGuard(g, logger); err != nil {
			return nil, err
		}
	}
	p.handler = p.routes()
	return p, nil
}

func (s *shared) guardCount() int { return min(s.Guards+1, 2) }

func (p *process) addGuard(g int, logger *slog.Logger) error {
	s := p.shared
	cfg := guard.Config{
		Sessions: p.managers[g], SessionKey: guardKeys[g], Logger: logger,
		MaxSessions: s.Max, RefuseMore: s.Refuse == 1 && s.Max > 0,
		OnEvent: func(_ context.Context, e guard.Event) { s.events(e) },
	}
	var me *remember.Me
	if s.Remember > 0 {
		var err error
		me, err = remember.New(remember.Config{Cells: s.cells, Secrets: []string{secret}, MaxAge: remFor, Grace: grace, CookieName: rememberName(g)})
		if err != nil {
			return err
		}
		cfg.RememberMe = me
	}
	if s.Factor == 1 {
		cfg.Factors = guard.FactorsOf(func(_ context.Context, u *user) ([]string, error) {
			if u.ID == 1 {
				return []string{"totp"}, nil
			}
			return nil, nil
		})
	}
	t := s.tables[g]
	var users serializer.Serializer[*user] = serializer.ByID(func(u *user) int { return u.ID }, t.byID)
	if s.Ids == 1 {
		users = named{serializer.ByID(func(u *user) objectID { return objectID{u.ID, u.Role} },
			func(ctx context.Context, id objectID) (*user, error) { return t.byID(ctx, id.ID) })}
	}
	if s.Stamp == 1 {
		users = serializer.WithStamp(users, func(u *user) string { return fmt.Sprint("password ", u.Password) })
	}
	local := strategy.NewLocal(func(ctx context.Context, email, password string) (*user, error) {
		id, _ := strconv.Atoi(email)
		if u, err := t.byID(ctx, id); err == nil && password == "right" {
			return u, nil
		}
		return nil, strategy.ErrUnauthenticated
	})
	byForm := func(name string, labelled bool) strategy.Strategy[*user] {
		return strategy.Func(name, func(_ http.ResponseWriter, r *http.Request) (*user, error) {
			id, _ := strconv.Atoi(r.FormValue("user"))
			u, err := t.byID(r.Context(), id)
			if err != nil || r.FormValue("code") != "right" {
				return nil, strategy.ErrUnauthenticated
			}
			if labelled {
				strategy.Report(r.Context(), strategy.Info{Labels: []string{"sid-" + r.FormValue("label")}})
			}
			return u, nil
		})
	}
	asked := []strategy.Strategy[*user]{local, byForm("totp", false)}
	if s.Throttle > 0 {
		for i, inner := range asked {
			limits := throttle.Config{Counter: s.counter, Purpose: guardKeys[g], AccountAttempts: freeGuesses, Secrets: []string{secret}, Logger: logger}
			if s.Throttle == 2 {
				limits.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
			}
			if i > 0 {
				limits.Claims = func(r *http.Request) (string, bool, error) { return r.FormValue("user"), true, nil }
			}
			limited, err := throttle.New(limits, inner)
			if err != nil {
				return err
			}
			asked[i] = limited
		}
	}
	made, err := guard.New(cfg, users, append(asked, byForm("provider", true))...)
	if err != nil {
		return err
	}
	p.guards, p.memory = append(p.guards, made), append(p.memory, me)
	return nil
}

// offers reports whether the process has the box: the setting is turned on in all processes before
// the box is.
func (p *process) offers() bool { return p.shared.Remember == 1 || p.number > 0 }

func rememberName(g int) string {
	return []string{"__Host-remember", "__Host-remember2"}[g]
}

// routes are the application.
func (p *process) routes() http.Handler {
	mux := http.NewServeMux()
	for g, auth := range p.guards {
		at := func(path string) string { return fmt.Sprintf("POST /%d/%s", g, path) }
		who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			fmt.Fprint(w, u.ID)
		})
		var box guard.LogInOptions
		if p.memory[g] != nil {
			box.RememberMe = func(r *http.Request) bool { return r.FormValue("remember") != "" && p.offers() }
		}
		mux.Handle(at("login"), auth.Authenticate("local")(auth.LogInWith(box)(who)))
		mux.Handle(at("provider"), auth.Authenticate("provider")(auth.LogInWith(box)(who)))
		mux.Handle(at("totp"), auth.Authenticate("totp")(auth.StepUp(who)))
		mux.Handle(at("logout"), auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Cookie") // as before a request to an upstream: what was presented is taken when it comes
			fmt.Fprint(w, "bye")
		})))
		mux.Handle(at("me"), auth.RequireAuth(who))
		mux.Handle(at("proved"), auth.RequireFactor("totp", 0)(who))
		mux.Handle(at("fresh"), auth.RequireFresh(freshFor)(who))
		mux.Handle(at("password"), auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			changed := p.shared.tables[g].change(u.ID, func(u *user) { u.Password++ })
			logIn := auth.LogInUser
			if r.FormValue("fresh") == "1" {
				logIn = auth.ReauthenticateUser
			}
			if err := logIn(r, changed); err != nil {
				auth.Error(w, r, err)
				return
			}
			fmt.Fprint(w, u.ID)
		})))
		m := p.managers[g]
		in := func(path string, f func(r *http.Request, s *session.Session) (string, error)) {
			mux.Handle(at(path), m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.Session(r.Context())
				text := ""
				if err == nil {
					text, err = f(r, s)
				}
				if err != nil {
					http.Error(w, err.Error(), guard.Status(err))
					return
				}
				fmt.Fprint(w, text)
			})))
		}
		mux.Handle(at("end"), auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			found, err := auth.EndSession(r.Context(), u, r.FormValue("ref"))
			if err != nil {
				auth.Error(w, r, err)
				return
			}
			fmt.Fprint(w, map[bool]string{true: "found"}[found])
		})))
		in("set", func(r *http.Request, s *session.Session) (string, error) {
			k := session.Key[string](r.FormValue("name"))
			if v := r.FormValue("value"); v != "" {
				return "", k.Set(s, v)
			}
			return "", k.Delete(s)
		})
		in("get", func(r *http.Request, s *session.Session) (string, error) {
			v, _, err := session.Key[string](r.FormValue("name")).Get(s)
			return v, err
		})
		in("renew", func(r *http.Request, s *session.Session) (string, error) { return "", s.Renew(r.Context()) })
		in("regenerate", func(r *http.Request, s *session.Session) (string, error) {
			if err := s.Regenerate(r.Context()); err != nil {
				return "", err
			}
			return "", session.Key[string](r.FormValue("name")).Set(s, r.FormValue("value"))
		})
		in("destroy", func(r *http.Request, s *session.Session) (string, error) { return "", s.Destroy(r.Context()) })
	}
	return mux
}

// config is what the model has to know of the switches.
func (s Switches) config() model.Config {
	return model.Config{
		Stamp: s.Stamp == 1, Max: s.Max, Refuse: s.Refuse == 1 && s.Max > 0, Factor: s.Factor == 1, Notes: s.Notes == 1,
		Idle: idle, Refresh: refresh, Absolute: absolute, Grace: grace, Remember: remFor, Free: freeGuesses, Throttled: s.Throttle > 0, Withholds: s.SameSite != 2,
	}
}

// stores are what the program keeps, made anew for each journey.
func (s Switches) memory() (*store.MemoryStores, error) {
	return store.Memory(store.MemoryConfig{Tombstones: s.Notes == 1})
}
