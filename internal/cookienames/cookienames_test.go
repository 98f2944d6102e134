package cookienames_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/seed-6f34412b/passport/internal/cookienames"
	"github.com/seed-6f34412b/passport/strategy"
)

// withCookie is a strategy, or a decorator of one, with a cookie.
type withCookie struct {
	strategy.Strategy[string]
	name string
}

func (c withCookie) CookieNames() []string             { return []string{c.name} }
func (c withCookie) Unwrap() strategy.Strategy[string] { return c.Strategy }

func TestCookieNamesAreThoseOfAllDecorators(t *testing.T) {
	plain := strategy.Func("plain", func(http.ResponseWriter, *http.Request) (string, error) { return "", strategy.ErrUnauthenticated })
	inner := strategy.Strategy[string](withCookie{plain, "inner"})
	both := strategy.Strategy[string](withCookie{strategy.Named("n", inner), "outer"})
	same := func(_ context.Context, user string) (string, error) { return user, nil }
	for _, row := range []struct {
		name string
		s    strategy.Strategy[string]
		want []string
	}{
		{"of none", plain, nil},
		{"of no strategy", nil, nil},
		{"of a decorator and what it decorates", both, []string{"outer", "inner"}},
		{"through Map", strategy.Map(both, same), []string{"outer", "inner"}},
		{"through Map and Named", strategy.Named("m", strategy.Map(strategy.Named("n", both), same)), []string{"outer", "inner"}},
	} {
		if got := cookienames.Of(row.s); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
