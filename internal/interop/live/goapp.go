package live

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// secrets sign the sessions. By default both sides have the first.
var secrets = []string{"the first secret, of over 32 bytes", "the second secret, of over 32 bytes"}

// user is a row of the users table that all applications share.
type user struct {
	id    int
	role  string
	creds credentials
}

var users = []*user{{1, "admin", joe}, {2, "user", jen}}

func check(_ context.Context, email, password string) (*user, error) {
	for _, u := range users {
		if u.creds == (credentials{email, password}) {
			return u, nil
		}
	}
	return nil, strategy.ErrUnauthenticated
}

func find(id int) (*user, error) {
	for _, u := range users {
		if u.id == id {
			return u, nil
		}
	}
	return nil, serializer.ErrUserGone
}

// objectID is a user in the form of the article's newer code.
type objectID struct {
	ID   int    `json:"id"`
	Role string `json:"role"`
}

// identities correspond to those of node/users.mjs.
var identities = map[string]serializer.Serializer[*user]{
	"number": serializer.ByID(func(u *user) int { return u.id }, func(_ context.Context, id int) (*user, error) { return find(id) }),
	"string": serializer.ByID(func(u *user) string { return strconv.Itoa(u.id) }, func(_ context.Context, id string) (*user, error) {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, serializer.ErrUserGone
		}
		return find(n)
	}),
	"object": serializer.ByID(func(u *user) objectID { return objectID{u.id, u.role} }, func(_ context.Context, id objectID) (*user, error) { return find(id.ID) }),
}

// goOptions are the options of the application in Go.
type goOptions struct {
	identity string        // empty means number
	stamp    func() string // the security stamp of every user; nil means none
	edit     func(*session.Config)

	tombstones, elsewhere bool // see GoStore
}

// goApp is the application in Go.
type goApp struct {
	peer
	auth     *guard.Guard[*user]
	sessions *session.Manager
	store    Sessions
	gates    gates
}

func startGo(t *testing.T, store Sessions, o goOptions) *goApp {
	t.Helper()
	cfg := session.Config{Store: store, Codec: session.Express(secrets[0]), InsecureHTTP: true, Logger: slog.New(slog.DiscardHandler)}
	if o.edit != nil {
		o.edit(&cfg)
	}
	sessions, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if o.identity == "" {
		o.identity = "number"
	}
	users := identities[o.identity]
	if o.stamp != nil {
		users = serializer.WithStamp(users, func(*user) string { return o.stamp() })
	}
	auth, err := guard.New(guard.Config{Sessions: sessions, Logger: cfg.Logger}, users, strategy.NewLocal(check))
	if err != nil {
		t.Fatal(err)
	}
	a := &goApp{auth: auth, sessions: sessions, store: store}
	server := httptest.NewServer(a.routes(identities[o.identity]))
	t.Cleanup(server.Close)
	a.peer = peer(server.URL)
	return a
}

// routes returns the routes of node/express.mjs and node/tools.mjs.
func (a *goApp) routes(users serializer.Serializer[*user]) http.Handler {
	mux := http.NewServeMux()
	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%q", text) })
	}
	mux.Handle("GET /{$}", say("This message is public to all!"))
	mux.Handle("GET /protected", a.auth.RequireAuth(say("You can only see this if you are authenticated")))
	mux.Handle("GET /whoami", a.auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := a.auth.User(r.Context())
		id, err := users.Serialize(r.Context(), u)
		if err != nil {
			a.auth.Error(w, r, err)
			return
		}
		w.Write(id)
	})))
	mux.Handle("GET /proved", a.auth.RequireFactor("local", 0)(say("proved")))
	mux.Handle("GET /fresh", a.auth.RequireFresh(time.Hour)(say("fresh")))
	back := guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"}
	mux.Handle("POST /auth/login", a.auth.Authenticate("local")(a.auth.LogIn(a.with(recordOf))))
	mux.Handle("POST /auth/login-and-return", a.auth.Authenticate("local")(a.auth.LogInWith(back)(nil)))
	mux.Handle("POST /auth/logout", a.auth.LogOut(say("done")))

	for pattern, f := range map[string]func(*session.Session, *http.Request) (any, error){
		"GET /session": recordOf,
		"GET /get": func(s *session.Session, r *http.Request) (any, error) {
			v, ok, err := session.Key[json.RawMessage](r.FormValue("key")).Get(s)
			if !ok {
				v = []byte("null")
			}
			return v, err
		},
		"POST /set": set,
		"POST /slow": func(s *session.Session, r *http.Request) (any, error) {
			a.gates.pass(r.FormValue("name"))
			return set(s, r)
		},
		"POST /delete": func(s *session.Session, r *http.Request) (any, error) {
			return "done", session.Key[json.RawMessage](r.FormValue("key")).Delete(s)
		},
		"POST /age": func(s *session.Session, r *http.Request) (any, error) {
			ms, err := strconv.Atoi(r.FormValue("ms"))
			if err != nil {
				return nil, err
			}
			return "done", s.SetMaxAge(time.Duration(ms) * time.Millisecond)
		},
		"POST /destroy":    func(s *session.Session, r *http.Request) (any, error) { return "done", s.Destroy(r.Context()) },
		"POST /regenerate": func(s *session.Session, r *http.Request) (any, error) { return "done", s.Regenerate(r.Context()) },
		"POST /renew":      func(s *session.Session, r *http.Request) (any, error) { return "done", s.Renew(r.Context()) },
		"POST /flash": func(s *session.Session, r *http.Request) (any, error) {
			return "done", s.Flash(r.FormValue("kind"), r.FormValue("text"))
		},
		"GET /flash": func(s *session.Session, r *http.Request) (any, error) { return s.Flashes(r.FormValue("kind")) },
	} {
		mux.Handle(pattern, a.sessions.Handler(a.with(f)))
	}
	return mux
}

// recordOf does what res.json(req.session) does.
func recordOf(s *session.Session, _ *http.Request) (any, error) {
	text, err := s.ExpressJSON()
	return json.RawMessage(text), err
}

// set stores the members of the request's body.
func set(s *session.Session, r *http.Request) (any, error) {
	var body map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	for k, v := range body {
		if err := session.Key[json.RawMessage](k).Set(s, v); err != nil {
			return nil, err
		}
	}
	return "done", nil
}

// with answers with the result of f for the session, as JSON.
func (a *goApp) with(f func(*session.Session, *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := a.sessions.Session(r.Context())
		var v any
		if err == nil {
			v, err = f(s, r)
		}
		if err != nil {
			a.auth.Error(w, r, err)
			return
		}
		plain := json.NewEncoder(w)
		plain.SetEscapeHTML(false) // as JSON.stringify
		_ = plain.Encode(v)        // if the commit failed, the visitor already has an answer
	})
}

// gates correspond to those of node/tools.mjs.
type gates struct {
	mu   sync.Mutex
	made map[string]*gate
}

type gate struct{ arrived, released chan struct{} }

func (g *gates) named(name string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.made == nil {
		g.made = map[string]*gate{}
	}
	if g.made[name] == nil {
		g.made[name] = &gate{make(chan struct{}), make(chan struct{})}
	}
	return g.made[name]
}

func (g *gates) pass(name string) {
	gate := g.named(name)
	close(gate.arrived)
	<-gate.released
}
