package strategy_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
)

// twoFactors is a strategy that lists the factors it reports.
type twoFactors struct{ strategy.Strategy[string] }

func (twoFactors) FactorNames() []string { return []string{"otp", "hwk"} }

func TestFactorNamesAreFoundThroughDecorators(t *testing.T) {
	refuse := func(http.ResponseWriter, *http.Request) (string, error) { return "", strategy.ErrUnauthenticated }
	plain := strategy.Func("plain", refuse)
	listed := twoFactors{plain}
	same := func(_ context.Context, user string) (string, error) { return user, nil }
	for _, row := range []struct {
		name string
		s    strategy.Strategy[string]
		want []string
	}{
		{"of none that lists them", plain, []string{"plain"}},
		{"of one under another name", strategy.Named("other", plain), []string{"other"}},
		{"of a function", strategy.Func("flow", refuse, "sms"), []string{"sms"}},
		{"of one that lists them", listed, []string{"otp", "hwk"}},
		{"through Named", strategy.Named("other", strategy.Strategy[string](listed)), []string{"otp", "hwk"}},
		{"through Map", strategy.Map(strategy.Strategy[string](listed), same), []string{"otp", "hwk"}},
		{"of none, through Map", strategy.Map(plain, same), nil},
		{"of none, through Map, under another name", strategy.Named("other", strategy.Map(plain, same)), nil},
	} {
		got := []string{row.s.Name()}
		if f, ok := strategy.Ability[strategy.FactorNamer](row.s); ok {
			got = f.FactorNames()
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
