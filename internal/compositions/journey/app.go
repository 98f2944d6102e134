package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

const (
	secret = "a made-up secret of 32 bytes or more"
	older  = "an older made-up secret of 32 bytes or more"
	newer  = "a newer made-up secret of 32 bytes or more"

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

// objectID is the user id of an application that stores the role in the session.
type objectID struct {
	ID   int    `json:"id"`
	Role string `json:"role"`
}

// tenantID is the user id of an application with several tenants.
type tenantID struct {
	ID     int    `json:"id"`
	Tenant string `json:"tenant"`
}

// table is the users table of one guard.
type table struct {
	mu   sync.Mutex
	rows map[int]user
	keys map[int]*authenticator // the users' passkeys
}

func newTable() *table {
	t := &table{rows: map[int]user{}, keys: map[int]*authenticator{}}
	for range 3 {
		t.add()
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

// row returns the user with that id.
func (t *table) row(id int) *user { return t.change(id, func(*user) {}) }

// add adds a new user.
func (t *table) add() *user {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := user{ID: len(t.rows) + 1, Role: "member"}
	t.rows[u.ID], t.keys[u.ID] = u, newAuthenticator(u.ID)
	return &u
}

func (t *table) change(id int, f func(*user)) *user {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.rows[id]
	f(&u)
	t.rows[id] = u
	return &u
}

// named is a serializer of ids that are numbers or objects with a role. The user's name is the number in
// them.
type named struct {
	serializer.Serializer[*user]
}

// UserName implements [serializer.Namer].
func (named) UserName(id json.RawMessage) (string, error) {
	n := userIn(id)
	if n == 0 {
		return "", fmt.Errorf("no user: %s", id)
	}
	return strconv.Itoa(n), nil
}

// shared is what all processes of the program share.
type shared struct {
	Switches
	tables  []*table
	cells   strategy.Cells
	counter strategy.Counter
	events  func(guard.Event)
	timeout time.Duration // session.Config.StoreTimeout; 0 for its default
	there   url.Values    // the answer of the provider to the next redirect
	opened  *stream       // by the current request
}

// process is one running program.
type process struct {
	shared   *shared
	number   int
	managers []*session.Manager // by guard; twice the same if the guards share one
	guards   []*guard.Guard[*user]
	passkeys []*passkey.Strategy[*user]
	api      *guard.Guard[*user] // for programs; it has no sessions
	memory   []*remember.Service // by guard; nil if browsers are not remembered
	names    [][]string          // the cookie names that each manager accepts, in order
	handler  http.Handler
}

// newProcess starts the process of that number, without its routes. The probe, which reads the store
// directly, needs none.
func (s *shared) newProcess(number int, st session.Store) (*process, error) {
	p := &process{shared: s, number: number}
	logger := slog.New(slog.DiscardHandler)
	for g := range s.guardCount() {
		if err := p.addManager(g, st, logger); err != nil {
			return nil, err
		}
		if err := p.addGuard(g, logger); err != nil {
			return nil, err
		}
	}
	var err error
	if p.api, err = s.newAPI(logger); err != nil {
		return nil, err
	}
	return p, nil
}

// addManager gives guard g a Manager: the first guard's, or one of its own with other cookies.
func (p *process) addManager(g int, st session.Store, logger *slog.Logger) error {
	s, suffix := p.shared, ""
	switch {
	case g > 0 && s.Guards < 2:
		p.managers, p.names = append(p.managers, p.managers[0]), append(p.names, p.names[0])
		return nil
	case g > 0:
		suffix = "2"
	}
	express := session.Accept{Name: "connect.sid" + suffix, Codec: session.Express(p.secrets(older+suffix, newer+suffix)...)}
	cfg := session.Config{
		Store: st, Name: express.Name, Codec: express.Codec, IdleTimeout: idle, AbsoluteTimeout: absolute, Logger: logger, StoreTimeout: s.timeout,
		Persistent: s.Cookie > 0, Rolling: s.Cookie > 1, DeviceBound: s.deviceBound(suffix),
	}
	names := []string{cfg.Name}
	if s.Deploy == 1 {
		other := session.Accept{Name: "__Host-sid" + suffix, Codec: session.SecureCookie(secret + suffix)}
		if p.number > 0 {
			cfg.Name, cfg.Codec, other = other.Name, other.Codec, express
			other.Reissue = true
		}
		cfg.AlsoAccept, names = []session.Accept{other}, []string{cfg.Name, other.Name}
	}
	switch s.SameSite {
	case 1:
		cfg.SameSite = http.SameSiteStrictMode
	case 2, 3:
		cfg.SameSite, cfg.Partitioned = http.SameSiteNoneMode, s.SameSite == 3
	}
	m, err := session.New(cfg)
	p.managers, p.names = append(p.managers, m), append(p.names, names)
	return err
}

func (s *shared) guardCount() int { return min(s.Guards+1, 2) }

// offers reports whether the process shows the remember-me box. A deployment enables the setting in all
// processes before it shows the box.
func (p *process) offers() bool { return p.shared.Remember == 1 || p.number > 0 }

func rememberName(g int) string {
	return []string{"__Host-remember", "__Host-remember2"}[g]
}

// factor is the factor that user 1 has set up.
func (s Switches) factor() string { return []string{"", "totp", "", "passkey"}[s.Factor] }

// form returns how a process serializes the id of a user; "": as Express does.
func (w *world) form(p *process, g int) func(user int) string {
	return func(user int) string {
		switch s := w.shared; {
		case s.Ids == 0, s.Ids == 3 && p.number == 0:
			return ""
		case s.Ids == 2:
			return "with a tenant"
		}
		return "with the role " + w.model.Roles[model.Account{Guard: g, User: user}]
	}
}

// config returns what the model has to know of the switches.
func (s Switches) config() model.Config {
	return model.Config{
		Stamp: s.Stamp == 1, Max: s.Max, Refuse: s.Refuse == 1 && s.Max > 0, Factor: s.factor(), Named: s.Ids == 1 || s.Ids == 3, Notes: s.Notes == 1,
		Idle: idle, Refresh: refresh, Absolute: absolute, Fresh: freshFor, Grace: grace, Remember: remFor, Free: freeGuesses, Throttled: s.Throttle > 0, Persistent: s.Cookie > 0, Rolling: s.Cookie > 1,
	}
}
