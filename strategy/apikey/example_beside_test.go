package apikey_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// Caller is the user of a guard that takes people and programs. A nil Key is a person.
type Caller struct {
	Email string
	Key   *apikey.Key
}

// Table stands for the application's table of keys.
type Table map[string]apikey.Key

// Insert implements apikey.Table.
func (t Table) Insert(_ context.Context, key apikey.Key) error {
	t[key.ID] = key
	return nil
}

// ByOwner implements apikey.Table.
func (t Table) ByOwner(_ context.Context, owner string) (keys []apikey.Key, err error) {
	for _, key := range t {
		if key.Owner == owner {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Delete implements apikey.Table.
func (t Table) Delete(_ context.Context, owner, id string) (bool, error) {
	there := t[id].Owner == owner
	delete(t, id)
	return there, nil
}

// Find is an apikey.Find.
func (t Table) Find(_ context.Context, id string) (apikey.Key, *Caller, error) {
	key, ok := t[id]
	if !ok {
		return apikey.Key{}, nil, strategy.ErrUnauthenticated
	}
	return key, &Caller{Email: key.Owner, Key: &key}, nil
}

// Routes that a browser opens by its session and a program by its key. What a key may do
// is for the handler to ask.
func Example_beside() {
	table := Table{}
	keys, err := apikey.NewKeys("shop", table)
	if err != nil {
		panic(err)
	}
	programs, err := apikey.New(apikey.Config{Prefix: "shop"}, table.Find)
	if err != nil {
		panic(err)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("32 random bytes out of your vault")})
	if err != nil {
		panic(err)
	}
	byEmail := func(_ context.Context, email string) (*Caller, error) { return &Caller{Email: email}, nil }
	auth, err := guard.New(guard.Config{Sessions: sessions}, serializer.ByID(func(c *Caller) string { return c.Email }, byEmail), programs)
	if err != nil {
		panic(err)
	}
	orders := auth.Authenticate("session", "apikey")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := auth.User(r.Context())
		if caller.Key != nil && !caller.Key.Allows("orders") {
			http.Error(w, "the key lacks the scope orders", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "orders of", caller.Email)
	}))

	good, _, err := keys.Issue(context.Background(), apikey.Request{Owner: "joefoo@test.com", Name: "backup", Scopes: []string{"orders"}})
	if err != nil {
		panic(err)
	}
	poor, key, err := keys.Issue(context.Background(), apikey.Request{Owner: "joefoo@test.com", Name: "test"})
	if err != nil {
		panic(err)
	}
	ask := func(text string) {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("X-API-Key", text)
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	ask(good)
	ask(poor)
	if _, err := keys.Revoke(context.Background(), "joefoo@test.com", key.ID); err != nil {
		panic(err)
	}
	ask(poor)
	// Output:
	// 200
	// 403
	// 401
}
