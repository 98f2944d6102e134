package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

type Visitor struct{ Email string }

func checkVisitor(_ context.Context, email, password string) (*Visitor, error) {
	if password != "Passw0rd!" {
		return nil, strategy.ErrUnauthenticated
	}
	return &Visitor{email}, nil
}

// A log-in that allows three wrong passwords at once, behind a proxy that is trusted
// to say for whom it forwards.
func Example_throttle() {
	local, err := throttle.New(throttle.Config{
		AccountAttempts: 3,
		TrustedProxies:  []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}, strategy.NewLocal(checkVisitor))
	if err != nil {
		panic(err)
	}
	for _, password := range []string{"guess1", "guess2", "guess3", "guess4", "Passw0rd!"} {
		body := strings.NewReader("email=joefoo@test.com&password=" + password)
		r := httptest.NewRequest(http.MethodPost, "/login", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr, r.Header["X-Forwarded-For"] = "10.0.0.1:4711", []string{"192.0.2.1"}
		_, err := local.Authenticate(httptest.NewRecorder(), r)
		var failure *strategy.Failure
		if errors.As(err, &failure) {
			fmt.Println(failure.Status, failure.RetryAfter.Round(1e9))
		} else {
			fmt.Println(err)
		}
	}
	// Output:
	// strategy: not authenticated
	// strategy: not authenticated
	// strategy: not authenticated
	// 429 30s
	// 429 30s
}
