package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// asking is a store that asks for the session of the request that calls it, as a log Handler does that adds
// one of its values to each line.
type asking struct {
	*store.MemoryStore
	t     *testing.T
	trace any // found in the contexts under traceKey
	calls int
}

type traceKey struct{}

func (a *asking) ask(ctx context.Context) {
	a.t.Helper()
	a.calls++
	if s, err := session.FromContext(ctx); !errors.Is(err, session.ErrNoHandler) {
		a.t.Errorf("got %v and %v, want ErrNoHandler", s, err)
	}
	if a.trace = ctx.Value(traceKey{}); a.trace != "7" {
		a.t.Errorf("got the trace %v, want 7", a.trace)
	}
}

func (a *asking) Get(ctx context.Context, id string) ([]byte, error) {
	a.ask(ctx)
	return a.MemoryStore.Get(ctx, id)
}

func (a *asking) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	derived, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	<-time.After(time.Millisecond)
	a.ask(derived)
	return a.MemoryStore.GetPrimary(ctx, id)
}

func (a *asking) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	a.ask(ctx)
	return a.MemoryStore.Create(ctx, id, data, ttl)
}

func (a *asking) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	a.ask(ctx)
	return a.MemoryStore.Update(ctx, id, old, new, ttl)
}

func (a *asking) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	a.ask(ctx)
	return a.MemoryStore.End(ctx, id, old, next, life)
}

// TestAStoreFindsNoSession in its context, because the session is locked while it waits for the store. All
// other values are there.
func TestAStoreFindsNoSession(t *testing.T) {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	st := &asking{MemoryStore: memory.Sessions, t: t}
	m, err := session.New(session.Config{Store: st, Codec: session.SecureCookie(secret)})
	if err != nil {
		t.Fatal(err)
	}
	key := session.Key[int]("k")
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		s, err := session.FromContext(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		for _, do := range []func() error{
			func() error { return key.Set(s, 1) },
			func() error { return s.Save(ctx) },
			func() error { return s.Reload(ctx) },
			func() error { return key.Set(s, 2) },
			func() error { return s.Save(ctx) },
			func() error { return s.Renew(ctx) },
		} {
			if err := do(); err != nil {
				t.Error(err)
			}
		}
	})
	cookie := ""
	for range 2 {
		r := httptest.NewRequest("GET", "https://app.example/", nil)
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, "7"))
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		m.Handler(h).ServeHTTP(w, r)
		cookie = w.Result().Cookies()[0].String()
	}
	if st.calls < 10 {
		t.Errorf("the store was called %d times, want calls of all its methods", st.calls)
	}
}
