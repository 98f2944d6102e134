package strategy_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/strategy"
)

type APIKey struct {
	Owner string
	Write bool
}

// API keys as Bearer tokens: the table holds a hash of each, so a look-up by the
// hash of what was sent needs no comparison of secrets.
func Example_bearer() {
	keys := map[[32]byte]*APIKey{
		sha256.Sum256([]byte("k-3f9c")): {Owner: "joefoo@test.com", Write: true},
		sha256.Sum256([]byte("k-77a0")): {Owner: "jenbar@test.com"},
	}
	bearer := strategy.NewBearer("api", func(_ context.Context, token string) (*APIKey, error) {
		key, ok := keys[sha256.Sum256([]byte(token))]
		if !ok {
			return nil, strategy.ErrUnauthenticated
		}
		if !key.Write {
			return nil, strategy.InsufficientScope("write")
		}
		return key, nil
	})
	// The same strategy for a program whose users are addresses.
	owners := strategy.Map(bearer, func(_ context.Context, key *APIKey) (string, error) { return key.Owner, nil })

	for _, token := range []string{"k-3f9c", "k-77a0", "guess", ""} {
		r := httptest.NewRequest(http.MethodPost, "/orders", nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		owner, err := owners.Authenticate(httptest.NewRecorder(), r)
		var failure *strategy.Failure
		if errors.As(err, &failure) {
			fmt.Println(failure.Status, failure.Challenge)
		} else {
			fmt.Println(owner, err)
		}
	}
	// Output:
	// joefoo@test.com <nil>
	// 403 Bearer realm="api", error="insufficient_scope", scope="write"
	// 0 Bearer realm="api", error="invalid_token"
	// 0 Bearer realm="api"
}
