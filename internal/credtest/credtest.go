// Package credtest has what the tests of strategies share: secrets and their users, requests with them, the
// status of a refusal, and stores that are down.
package credtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// Secrets that serve as a password and a token: a user's, nobody's, and one whose check ends in an outage.
const (
	Right  = "a-made-up-right-secret"
	Wrong  = "a-made-up-wrong-secret"
	Outage = "a-made-up-secret-in-an-outage"
)

// Secrets returns all of them.
func Secrets() []string { return []string{Right, Wrong, Outage} }

// ErrDown is the error of an outage.
var ErrDown = errors.New("connection refused")

// Check returns the user for Right, ErrDown for Outage, and a refusal for every other secret.
func Check[U any](user U, secret string) (U, error) {
	var nobody U
	switch secret {
	case Right:
		return user, nil
	case Outage:
		return nobody, ErrDown
	}
	return nobody, fmt.Errorf("%w: no such secret", strategy.ErrUnauthenticated)
}

// Case returns the case of s. send makes a request with a secret, "" for none.
func Case[U any](s strategy.Strategy[U], send func(secret string) *http.Request) strategytest.StrategyCase[U] {
	with := func(secret string) func() *http.Request {
		return func() *http.Request { return send(secret) }
	}
	return strategytest.StrategyCase[U]{
		Strategy: s, Good: with(Right), Wrong: with(Wrong), Absent: with(""), Outage: with(Outage), Secrets: Secrets(),
	}
}

// Post returns a request with that body, and with a query string that no strategy may read.
func Post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/login?email=query&password=query", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// StatusOf returns the status for err: 200 for nil, 500 for an outage.
func StatusOf(err error) int {
	var f *strategy.Failure
	switch {
	case err == nil:
		return http.StatusOK
	case !errors.Is(err, strategy.ErrUnauthenticated):
		return http.StatusInternalServerError
	case errors.As(err, &f) && f.Status != 0:
		return f.Status
	}
	return http.StatusUnauthorized
}

// Cells are strategy.Cells that fail from call number From on, counted from 1.
type Cells struct {
	strategy.Cells
	From  int
	calls int
}

var _ strategy.Cells = (*Cells)(nil)

func (c *Cells) down() error {
	if c.calls++; c.calls >= c.From {
		return ErrDown
	}
	return nil
}

// Load implements [strategy.Cells].
func (c *Cells) Load(ctx context.Context, key string) ([]byte, error) {
	if err := c.down(); err != nil {
		return nil, err
	}
	return c.Cells.Load(ctx, key)
}

// Swap implements [strategy.Cells].
func (c *Cells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	if err := c.down(); err != nil {
		return nil, false, err
	}
	return c.Cells.Swap(ctx, key, old, new, ttl)
}

// NoDatabase returns the pool of a database that cannot be reached: each use of it is ErrDown.
func NoDatabase(t testing.TB) *sql.DB {
	db := sql.OpenDB(noDatabase{})
	t.Cleanup(func() { _ = db.Close() })
	return db
}

type noDatabase struct{}

func (noDatabase) Connect(context.Context) (driver.Conn, error) { return nil, ErrDown }
func (noDatabase) Driver() driver.Driver                        { return nil }
