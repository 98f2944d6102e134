package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
)

func TestAnAccountHasOneName(t *testing.T) {
	for _, row := range []struct{ name, spelled, want string }{
		{"as it is", "joefoo@test.com", "joefoo@test.com"},
		{"in capitals", "JoeFoo@Test.COM", "joefoo@test.com"},
		{"a space behind it", "joefoo@test.com ", "joefoo@test.com"},
		{"a no-break space before it", "\u00a0joefoo@test.com", "joefoo@test.com"},
		{"an ideographic space behind it", "joefoo@test.com\u3000", "joefoo@test.com"},
		{"a zero-width space in it", "joe\u200bfoo@test.com", "joefoo@test.com"},
		{"a byte order mark", "\ufeffjoefoo@test.com", "joefoo@test.com"},
		{"a soft hyphen", "joe\u00adfoo@test.com", "joefoo@test.com"},
		{"text from right to left", "\u202ejoefoo@test.com\u202c", "joefoo@test.com"},
		{"full-width letters", "ｊｏｅｆｏｏ＠ｔｅｓｔ．ｃｏｍ", "joefoo@test.com"},
		{"full-width capitals", "ＪＯＥfoo@test.com", "joefoo@test.com"},
		{"the Kelvin sign", "\u212aay@test.com", "kay@test.com"},
		{"the long s", "je\u017f\u017f@test.com", "jess@test.com"},
		{"a final sigma", "ΣΊΣΥΦΟΣ", "σίσυφοσ"},
		{"accents are letters of their own", "José", "josé"},
		{"a space within is kept", "joe foo", "joe foo"},
		{"nothing but spaces", " \t\u00a0", ""},
	} {
		if got := strategy.AccountName(row.spelled); got != row.want {
			t.Errorf("%s: got %+q, want %+q", row.name, got, row.want)
		}
	}
}

// TestLookUpsCountersAndRegistrationsMeanOneAccount (G1, G7), in any spelling, and with any function that
// the application uses for it.
func TestLookUpsCountersAndRegistrationsMeanOneAccount(t *testing.T) {
	withoutAccents := func(name string) string { return strings.ReplaceAll(strategy.AccountName(name), "é", "e") }
	with, err := strategy.NewLocalWith(strategy.LocalConfig{Account: withoutAccents}, accept)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, spelled, want string
		s                   *strategy.LocalStrategy[login]
	}{
		{"by default", " JoeFoo@Test.com\u200b", "joefoo@test.com", strategy.NewLocal(accept)},
		{"by a function of one's own", " JoéFoo@Test.com", "joefoo@test.com", with},
	} {
		send := func() *http.Request {
			return credtest.Post(js, fmt.Sprintf(`{"email":%q,"password":" P "}`, row.spelled))
		}
		found, err := row.s.Authenticate(nil, send())
		claimed, ok, err2 := row.s.Claims(send())
		registered, password, err3 := row.s.Credentials(send())
		if err := errors.Join(err, err2, err3); err != nil || !ok || password != " P " {
			t.Errorf("%s: got the password %q, %v", row.name, password, err)
		}
		for what, got := range map[string]string{
			"the look-up": found.email, "the counter": claimed, "the registration": registered,
			"Account": row.s.Account(row.spelled), "behind Named": accountOf(strategy.Named[login]("n", row.s), row.spelled),
		} {
			if got != row.want {
				t.Errorf("%s: %s has %q, want %q", row.name, what, got, row.want)
			}
		}
	}
	basics := strategy.NewBasicWith("r", withoutAccents, accept)
	found, err := basics.Authenticate(nil, withAuthorization(basic("JOÉ:p")))
	claimant, _ := strategy.Ability[strategy.Claimant](basics)
	claimed, _, _ := claimant.Claims(withAuthorization(basic("JOÉ:p")))
	if err != nil || found.email != "joe" || claimed != "joe" || accountOf(basics, "JOÉ") != "joe" {
		t.Errorf("Basic: got %v and %q, %v, want joe", found, claimed, err)
	}
	if _, err := strategy.NewLocal(accept).Authenticate(nil, credtest.Post(form, "email=+%C2%A0&password=p")); credtest.StatusOf(err) != 400 {
		t.Errorf("a name of spaces: got %v, want 400", err)
	}
	if got := accountOf(strategy.NewBearer("r", acceptToken), " X"); got != " X" {
		t.Errorf("a strategy without names: got %q", got)
	}
	mapped := strategy.Map(with, func(_ context.Context, l login) (string, error) { return l.email, nil })
	if got := accountOf(mapped, "JOÉ"); got != "joe" {
		t.Errorf("behind Map: got %q, want joe", got)
	}
}

// FuzzAccountName: the function is idempotent, and independent of case.
func FuzzAccountName(f *testing.F) {
	for _, seed := range []string{"JoeFoo@Test.COM ", "\u212a", "ΣΊΣΥΦΟΣ", "ǅ", "İ", "ẞ", "\xff", "ｊ\u200b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once := strategy.AccountName(name)
		if twice := strategy.AccountName(once); twice != once {
			t.Errorf("%+q: got %+q and then %+q", name, once, twice)
		}
		if strings.EqualFold(name, strings.Map(unicode.SimpleFold, name)) && strategy.AccountName(strings.Map(unicode.SimpleFold, name)) != once {
			t.Errorf("%+q in another case: got %+q, want %+q", name, strategy.AccountName(strings.Map(unicode.SimpleFold, name)), once)
		}
	})
}

// accountOf returns the spelling by which s looks up accounts; name itself if s has none.
func accountOf[U any](s strategy.Strategy[U], name string) string {
	if a, ok := strategy.Ability[interface{ Account(name string) string }](s); ok {
		return a.Account(name)
	}
	return name
}
