package apikey_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// robot is the user of a key.
type robot struct {
	Name   string
	Scopes []string
}

// table is the application's table, in memory.
type table struct {
	mu     sync.Mutex
	keys   map[string]apikey.Key
	writes int
	asked  int
	down   error
}

func newTable() *table { return &table{keys: map[string]apikey.Key{}} }

func (t *table) Insert(_ context.Context, key apikey.Key) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys[key.ID] = key
	return t.down
}

func (t *table) ByOwner(_ context.Context, owner string) (list []apikey.Key, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.keys {
		if k.Owner == owner {
			list = append(list, k)
		}
	}
	return list, t.down
}

func (t *table) Delete(_ context.Context, owner, id string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := t.keys[id].Owner == owner && owner != ""
	if there && t.down == nil {
		delete(t.keys, id)
	}
	return there, t.down
}

func (t *table) find(_ context.Context, id string) (apikey.Key, *robot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	key, ok := t.keys[id]
	if t.down != nil || !ok {
		return apikey.Key{}, nil, errors.Join(t.down, notFound(ok || t.down != nil))
	}
	return key, &robot{key.Owner, key.Scopes}, nil
}

func notFound(found bool) error {
	if found {
		return nil
	}
	return strategy.ErrUnauthenticated
}

func (t *table) used(_ context.Context, id string, at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	k := t.keys[id]
	k.Used = at
	t.keys[id] = k
	return t.down
}

// edit changes a stored key.
func (t *table) edit(id string, change func(*apikey.Key)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.keys[id]
	change(&k)
	t.keys[id] = k
}

func mustKeys(t testing.TB, table apikey.Table) *apikey.Keys {
	t.Helper()
	keys, err := apikey.NewKeys("shop", table)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func issue(t testing.TB, keys *apikey.Keys, req apikey.Request) (string, apikey.Key) {
	t.Helper()
	req.Name = cmp.Or(req.Name, "test")
	text, key, err := keys.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return text, key
}

func mustStrategy(t testing.TB, table *table, cfg apikey.Config) *apikey.Strategy[*robot] {
	t.Helper()
	if cfg.Prefix == "" {
		cfg.Prefix = "shop"
	}
	s, err := apikey.New(cfg, table.find)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// with returns a request with header fields, given as name and value.
func with(fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/orders", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1]) //nolint:gosec // the test gives pairs
	}
	return r
}
