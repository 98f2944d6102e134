package strategytest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// APIKey authenticates programs by a key in the header X-API-Key.
type APIKey[U any] struct {
	find func(ctx context.Context, hash [sha256.Size]byte) (U, error)
}

// NewAPIKey returns a strategy of the name "api-key". find returns the user whose key
// has this hash. An error that wraps strategy.ErrUnauthenticated says that there is
// none, any other is an outage. It must be safe for concurrent use.
func NewAPIKey[U any](find func(ctx context.Context, hash [sha256.Size]byte) (U, error)) *APIKey[U] {
	return &APIKey[U]{find}
}

// Name implements [strategy.Strategy].
func (s *APIKey[U]) Name() string { return "api-key" }

// AllowCrossSite implements [strategy.CrossSite]. It returns true: a browser never adds
// the header by itself.
func (s *APIKey[U]) AllowCrossSite(*http.Request) bool { return true }

// Claims implements [strategy.Claimant]: a key names no account. The bool tells the guard a
// wrong key from none.
func (s *APIKey[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	sent := r.Header.Values("X-API-Key")
	return "", len(sent) == 1 && sent[0] != "", nil
}

// Authenticate implements [strategy.Strategy].
func (s *APIKey[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent := r.Header.Values("X-API-Key")
	if len(sent) != 1 || sent[0] == "" {
		return nobody, &strategy.Failure{Reason: "api key: none, or several", Malformed: len(sent) > 1}
	}
	user, err := s.find(r.Context(), sha256.Sum256([]byte(sent[0])))
	if err != nil {
		return nobody, fmt.Errorf("api key: find: %w", err)
	}
	return user, nil
}

// Robot is a program that has a key.
type Robot struct{ Name string }

// Robots are kept under the SHA-256 of their keys: yours are in a database.
type Robots map[[sha256.Size]byte]*Robot

// ByKey finds the robot with a key.
func (r Robots) ByKey(_ context.Context, hash [sha256.Size]byte) (*Robot, error) {
	if r[hash] == nil {
		return nil, strategy.ErrUnauthenticated
	}
	return r[hash], nil
}

// NewAPI guards a route by keys. Nothing is remembered, so it needs no session.
func NewAPI(robots Robots) (http.Handler, error) {
	auth, err := guard.New(guard.Config{}, nil, NewAPIKey(robots.ByKey))
	if err != nil {
		return nil, err
	}
	return auth.Authenticate("api-key")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		robot, _ := auth.User(r.Context())
		fmt.Fprintln(w, "hello", robot.Name)
	})), nil
}

// A strategy of one's own: see docs/STRATEGIES.md.
func Example_apiKey() {
	api, err := NewAPI(Robots{sha256.Sum256([]byte("4Hc0mKxq2V9ZtR7w")): {"Marvin"}})
	if err != nil {
		panic(err)
	}
	for _, key := range []string{"4Hc0mKxq2V9ZtR7w", "a guess", ""} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-API-Key", key)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 401
	// 401
}
