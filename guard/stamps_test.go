package guard_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// logging is a decorator such as applications write.
type logging struct {
	serializer.Serializer[*User]
	log *slog.Logger
}

// private is a decorator that does not expose its serializer.
type private struct{ inner *serializer.Stamped[*User] }

func (p private) Serialize(ctx context.Context, u *User) (json.RawMessage, error) {
	return p.inner.Serialize(ctx, u)
}

func (p private) Deserialize(ctx context.Context, id json.RawMessage) (*User, error) {
	return p.inner.Deserialize(ctx, id)
}

// passing is one that passes the stamp on.
type passing struct{ private }

func (p passing) Stamp(u *User, id json.RawMessage) string { return p.inner.Stamp(u, id) }

// TestAStampCannotGetLost: if a serializer hides the stamp of the one inside it, a change of the password
// would log nobody out, without an error.
func TestAStampCannotGetLost(t *testing.T) {
	w := newWorld(t)
	plain := serializer.ByID(func(u *User) int { return u.ID }, w.table.byID)
	stamped := serializer.WithStamp(plain, func(u *User) string { return u.Pass })
	for _, row := range []struct {
		name   string
		users  serializer.Serializer[*User]
		hidden bool
	}{
		{"no stamp at all", plain, false},
		{"a stamp", stamped, false},
		{"a stamp outside of a chain", serializer.WithStamp(serializer.Chain(plain), func(u *User) string { return u.Pass }), false},
		{"a stamp outside of a decorator", serializer.WithStamp(&logging{Serializer: plain}, func(u *User) string { return u.Pass }), false},
		{"a decorator without a stamp", &logging{plain, w.logger()}, false},
		{"a decorator of nothing", &logging{}, false},
		{"a decorator that passes it on", passing{private{stamped}}, false},
		{"a stamp in a chain", serializer.Chain(plain, stamped), true},
		{"a stamp in a decorator", logging{stamped, nil}, true},
		{"a stamp in a pointer to a decorator", &logging{stamped, w.logger()}, true},
		{"a stamp in a private field", private{stamped}, true},
		{"a stamp in a chain in a decorator", &logging{serializer.Chain[*User](private{stamped}), nil}, true},
	} {
		w := newWorld(t)
		_, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "other", Logger: w.logger()}, row.users)
		if hidden := err != nil; hidden != row.hidden || hidden && !strings.Contains(err.Error(), "put serializer.WithStamp outermost") {
			t.Errorf("%s: got the error %v, want one: %t", row.name, err, row.hidden)
		}
	}
}

// TestAnEventSaysThatARevokedSessionStays: if the store fails, the next request ends the session.
func TestAnEventSaysThatARevokedSessionStays(t *testing.T) {
	s := newSite(t)
	b, _ := s.logIn()
	s.table.set(User{ID: 1, Email: "joe@test.com", Pass: "another"})
	for _, row := range []struct {
		fate sessiontest.Fate
		want guard.Outcome
	}{{sessiontest.Fail, guard.OutcomeError}, {sessiontest.Pass, guard.OutcomeSuccess}} {
		s.gate.Before = func(_ context.Context, c sessiontest.Call) sessiontest.Fate {
			if c.Op == "End" {
				return row.fate
			}
			return sessiontest.Pass
		}
		s.saw()
		b.Get("/me").Want(t, 401, "")
		if e := s.events[0]; e.Reason != guard.ReasonStamp || e.Outcome != row.want || (e.Err != nil) != (row.want == guard.OutcomeError) {
			t.Errorf("got %+v, want the reason stamp and the outcome %s", e, row.want)
		}
	}
}

// TestAStampOutlivesNodesSpelling: Node writes the user's id in its own spelling, and the stamp is over the id.
func TestAStampOutlivesNodesSpelling(t *testing.T) {
	w := newWorld(t)
	users := serializer.WithStamp[*ticket](&tickets{}, func(*ticket) string { return "a stamp" })
	g, err := guard.New(guard.Config{Sessions: w.sessions, Logger: w.logger(), SessionKey: "ticket"}, users)
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /ticket", g.Restore(g.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		return g.LogInUser(r, &ticket{ID: "R&D", Role: "<admin>"})
	})))
	w.mux.Handle("GET /ticket", g.RequireAuth(w.hello()))
	b := w.open()
	b.Post("/ticket").Want(t, 200, "")
	id, record := w.store.stored(t)
	asNode := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(record)
	if err := w.store.MemoryStore.Update(t.Context(), id, []byte(record), []byte(asNode), time.Hour); err != nil {
		t.Fatal(err)
	}
	b.Get("/ticket").Want(t, 200, "")
}
