package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// ticket is an id that contains more than the user's identity.
type ticket struct {
	ID   string
	Role string
}

// tickets stores the whole ticket in the session, as Node does with an object.
type tickets struct {
	swapped bool // write the members in the other order
}

func (s *tickets) Serialize(_ context.Context, t *ticket) (json.RawMessage, error) {
	if s.swapped {
		return json.Marshal(map[string]string{"Role": t.Role, "ID": t.ID, "A": ""})
	}
	return json.Marshal(struct{ Role, ID, A string }{t.Role, t.ID, ""})
}

func (s *tickets) Deserialize(_ context.Context, id json.RawMessage) (*ticket, error) {
	t := new(ticket)
	return t, json.Unmarshal(id, t)
}

type namedTickets struct{ *tickets }

func (namedTickets) UserName(id json.RawMessage) (string, error) {
	var t ticket
	err := json.Unmarshal(id, &t)
	return t.ID, err
}

// TestAUsersSessionsAreFoundByName, however the id is written and whatever else is in it (G20).
func TestAUsersSessionsAreFoundByName(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, row := range []struct {
		name   string
		s      serializer.Serializer[*ticket]
		change func(s *tickets, u *ticket)
		id     string
	}{
		{"the members change their order", nil, func(s *tickets, _ *ticket) { s.swapped = true }, "7"},
		{"the role changes", namedTickets{}, func(_ *tickets, u *ticket) { u.Role = "admin" }, "7"},
		{"the id is long", nil, func(*tickets, *ticket) {}, long},
		{"the name is long, and the role changes", namedTickets{}, func(_ *tickets, u *ticket) { u.Role = "admin" }, long},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			inner := new(tickets)
			users := serializer.Serializer[*ticket](inner)
			if row.s != nil {
				users = namedTickets{inner}
			}
			users = serializer.WithStamp(users, func(*ticket) string { return "the same" })
			memory, err := store.Memory(store.MemoryConfig{})
			if err != nil {
				t.Fatal(err)
			}
			me, err := remember.New(remember.Config{Cells: memory.Cells, Secrets: rememberSecrets})
			if err != nil {
				t.Fatal(err)
			}
			user := &ticket{ID: row.id, Role: "editor"}
			g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "t", MaxSessions: 2, RememberMe: me, Logger: w.logger()}, users,
				strategy.Func("any", func(http.ResponseWriter, *http.Request) (*ticket, error) { u := *user; return &u, nil }))
			if err != nil {
				t.Fatal(err)
			}
			yes := guard.LogInOptions{RememberMe: func(*http.Request) bool { return true }}
			w.mux.Handle("POST /t/login", g.Authenticate("any")(g.LogInWith(yes)(w.hello())))
			w.mux.Handle("GET /t/me", g.RequireAuth(w.hello()))
			first, second, third := w.open(), w.open(), w.open()
			first.Post("/t/login").Want(t, 200, "")
			pass(time.Second)
			second.Post("/t/login").Want(t, 200, "")
			pass(time.Second)
			row.change(inner, user)
			third.Post("/t/login").Want(t, 200, "")
			first.Get("/t/me").Want(t, 401, "") // one too many
			second.Get("/t/me").Want(t, 200, "")
			if list, err := g.Sessions(t.Context(), user); err != nil || len(list) != 2 {
				t.Errorf("%s: got %d sessions and %v, want 2", row.name, len(list), err)
			}
			if n, err := g.LogOutEverywhere(t.Context(), user); n != 2 || err != nil {
				t.Errorf("%s: got %d sessions ended and %v, want 2", row.name, n, err)
			}
			second.Get("/t/me").Want(t, 401, "")
			third.Get("/t/me").Want(t, 401, "")
		})
	}
}

// TestALogInOfNodeIsFoundByItsUser, in whatever spelling Node wrote the id, and however long it is.
func TestALogInOfNodeIsFoundByItsUser(t *testing.T) {
	for _, id := range []string{"7", strings.Repeat("x", 2000)} {
		w := newWorld(t)
		w.record()
		user := &ticket{ID: id, Role: "editor"}
		g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "t", Logger: w.logger()}, serializer.Serializer[*ticket](new(tickets)),
			strategy.Func("any", func(http.ResponseWriter, *http.Request) (*ticket, error) { return user, nil }))
		if err != nil {
			t.Fatal(err)
		}
		w.mux.Handle("POST /t/login", g.Authenticate("any")(g.LogIn(w.hello())))
		w.mux.Handle("/t/me", g.RequireAuth(w.hello()))
		b := w.open()
		b.Post("/t/login").Want(t, 200, "")
		w.store.rewrite(t, func(record string) string { // a log-in by passport 0.4, which keeps the session's id
			head, rest, _ := strings.Cut(record, `"t":{`)
			_, rest, _ = strings.Cut(rest, "}},")
			return head + `"t":{"user":{"ID":"` + id + `","A":"","Role":"editor"}},` + rest
		})
		b.Get("/put?k=cart&v=full").Want(t, 200, "")
		if n, err := g.LogOutEverywhere(t.Context(), user); n != 1 || err != nil {
			t.Errorf("got %d sessions ended and %v, want 1", n, err)
		}
		b.Get("/t/me").Want(t, 401, "")
	}
}

// TestAUserWhoseIDChangesIsTheSameUser: a new log-in keeps the session's values, and LogInUser renews the
// session, whatever else the id contains (G20).
func TestAUserWhoseIDChangesIsTheSameUser(t *testing.T) {
	w := newWorld(t)
	w.record()
	user := &ticket{ID: "7", Role: "editor"}
	g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "t", Logger: w.logger()}, namedTickets{new(tickets)},
		strategy.Func("any", func(http.ResponseWriter, *http.Request) (*ticket, error) { u := *user; return &u, nil }))
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /t/login", g.Authenticate("any")(g.LogIn(w.hello())))
	w.mux.Handle("POST /t/promote", g.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := g.LogInUser(r, &ticket{ID: "7", Role: "admin"}); err != nil {
			g.Error(rw, r, err)
		}
	})))
	b := w.open()
	b.Post("/t/login").Want(t, 200, "")
	b.Get("/put?k=cart&v=full").Want(t, 200, "")
	b.Post("/t/promote").Want(t, 200, "")
	b.Get("/record").Want(t, 200, `"Role":"admin"`)
	user.Role = "owner"
	b.Post("/t/login").Want(t, 200, "")
	b.Get("/record").Want(t, 200, `"cart":"full"`)
	user.ID = "8"
	b.Post("/t/login").Want(t, 200, "")
	if a := b.Get("/record"); strings.Contains(a.Text, "cart") {
		t.Errorf("another user: got %s, want no cart", a.Text)
	}
}

func TestAUserWithoutANameIsAnError(t *testing.T) {
	w := newWorld(t)
	g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "tickets", Logger: w.logger()}, serializer.Serializer[*ticket](namedTickets{new(tickets)}))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := g.LogOutEverywhere(t.Context(), &ticket{Role: "editor"}); err == nil {
		t.Errorf("got %d and no error, want one: a user without a name has no sessions to look for", n)
	}
}

// reusing is a serializer that writes every id into the same buffer.
type reusing struct{ buffer []byte }

func (s *reusing) Serialize(_ context.Context, u *User) (json.RawMessage, error) {
	s.buffer = fmt.Appendf(s.buffer[:0], "%d", u.ID)
	return s.buffer, nil
}

func (s *reusing) Deserialize(_ context.Context, id json.RawMessage) (*User, error) {
	u := &User{Email: "user " + string(id)}
	return u, json.Unmarshal(id, &u.ID)
}

// TestASerializerMayUseItsBufferAgain: what it returned is copied, in the session and in events.
func TestASerializerMayUseItsBufferAgain(t *testing.T) {
	w := newWorld(t)
	g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "reusing", Logger: w.logger(), OnEvent: w.note}, &reusing{}, w.token)
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /in", g.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := g.LogInUser(r, &User{ID: 1}); err != nil {
			t.Error(err)
		}
		if _, err := g.LogOutEverywhere(context.Background(), &User{ID: 2}); err != nil {
			t.Error(err)
		}
	})))
	w.mux.Handle("/who", g.RequireAuth(whoami(g)))
	b := w.open()
	b.Post("/in").Want(t, 200, "")
	b.Get("/who").Want(t, 200, "user 1")
	if got, want := w.outcomes(), "session_expired 2 success, session_created 1 success"; got != want {
		t.Errorf("got events %q, want %q", got, want)
	}
}

// TestAStepUpAfterALogInByNodeIsCounted, also if a Namer names users: Node's record has no label with that
// name, so MaxSessions found no session of the user, not even the current one.
func TestAStepUpAfterALogInByNodeIsCounted(t *testing.T) {
	w := newWorld(t)
	joe := &ticket{ID: "7", Role: "editor"}
	prove := func(name string) strategy.Strategy[*ticket] {
		return strategy.Func(name, func(http.ResponseWriter, *http.Request) (*ticket, error) { u := *joe; return &u, nil })
	}
	g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "t", MaxSessions: 1, Logger: w.logger(),
		Factors: guard.FactorsOf(func(context.Context, *ticket) ([]string, error) { return []string{"code"}, nil }),
	}, serializer.Serializer[*ticket](namedTickets{new(tickets)}), prove("any"), prove("code"))
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /t/login", g.Authenticate("any")(g.LogIn(w.hello())))
	w.mux.Handle("POST /t/code", g.Authenticate("code")(g.StepUp(w.hello())))
	w.mux.Handle("GET /t/me", g.RequireAuth(w.hello()))
	b := w.open()
	b.Post("/t/login").Want(t, 401, "")
	w.store.rewrite(t, func(string) string {
		return `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"t":{"user":{"ID":"7","Role":"editor"}}}`
	})
	b.Post("/t/code").Want(t, 200, "")
	b.Get("/t/me").Want(t, 200, "")
	if list, err := g.Sessions(t.Context(), joe); err != nil || len(list) != 1 {
		t.Errorf("got %d sessions and %v, want 1", len(list), err)
	}
}
