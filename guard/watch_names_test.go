package guard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestAStreamGoesOnWhereTheUsersIDIsWrittenOtherwise: LogInUser after a change of the role, which is part
// of the id, is a renewal (G20).
func TestAStreamGoesOnWhereTheUsersIDIsWrittenOtherwise(t *testing.T) {
	for _, row := range []struct {
		name, id string // of the user passed to LogInUser, as an admin
		want     string
	}{
		{"the same user with another role", "7", ""},
		{"another user", "8", guard.ReasonReplaced},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, users := newWorld(t), namedTickets{new(tickets)}
			g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "t", Logger: w.logger()}, serializer.Serializer[*ticket](users),
				strategy.Func("any", func(http.ResponseWriter, *http.Request) (*ticket, error) {
					return &ticket{ID: "7", Role: "editor"}, nil
				}))
			if err != nil {
				t.Fatal(err)
			}
			w.mux.Handle("POST /t/login", g.Authenticate("any")(g.LogIn(w.hello())))
			w.mux.Handle("GET /t/stream", g.RequireAuth(events(g.Watch)))
			w.mux.Handle("POST /t/again", g.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := g.LogInUser(r, &ticket{ID: row.id, Role: "admin"}); err != nil {
					t.Error(err)
				}
			})))
			b := w.open()
			b.Post("/t/login").Want(t, 200, "")
			l := w.watch(b, "/t/stream")
			synctest.Wait()
			b.Post("/t/again").Want(t, 200, "")
			synctest.Wait()
			if got := l.cause(); got != row.want {
				t.Errorf("%s: the stream ends as %q, want %q", row.name, got, row.want)
			}
		})
	}
}

// panicking is a [serializer.Namer] that panics for ids of admins, written by another program.
type panicking struct{ namedTickets }

func (p panicking) UserName(id json.RawMessage) (string, error) {
	if strings.Contains(string(id), "admin") {
		panic("not one of ours")
	}
	return p.namedTickets.UserName(id)
}

// TestASerializerThatPanicsEndsItsStreamAlone: there is no request that could fail, and other streams are
// still checked.
func TestASerializerThatPanicsEndsItsStreamAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "t", Logger: w.logger()}, serializer.Serializer[*ticket](panicking{namedTickets{new(tickets)}}),
			strategy.Func("any", func(http.ResponseWriter, *http.Request) (*ticket, error) {
				return &ticket{ID: "7", Role: "editor"}, nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		w.mux.Handle("POST /t/login", g.Authenticate("any")(g.LogIn(w.hello())))
		w.mux.Handle("GET /t/stream", g.RequireAuth(events(g.Watch)))
		w.mux.Handle("GET /stream", w.RequireAuth(events(w.Watch)))
		joe, b := w.loggedIn("joe@test.com"), w.open()
		b.Post("/t/login").Want(t, 200, "")
		other, l := w.watch(joe, "/stream"), w.watch(b, "/t/stream")
		synctest.Wait()
		for r, err := range w.store.All(t.Context()) {
			if changed := bytes.Replace(r.Data, []byte("editor"), []byte("admin"), 1); err != nil || !bytes.Equal(changed, r.Data) {
				if err := errors.Join(err, w.store.MemoryStore.Update(t.Context(), r.ID, r.Data, changed, time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(31 * time.Second)
		synctest.Wait()
		if got := l.cause(); got != guard.ReasonReplaced {
			t.Errorf("the stream ends as %q, want %q", got, guard.ReasonReplaced)
		}
		joe.Post("/logout").Want(t, 200, "")
		synctest.Wait()
		if got := other.cause(); got != guard.ReasonLogOut {
			t.Errorf("another stream ends as %q, want %q", got, guard.ReasonLogOut)
		}
	})
}
