package strategy_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
)

func TestFailureIsARefusal(t *testing.T) {
	err := error(&strategy.Failure{})
	if !errors.Is(err, strategy.ErrUnauthenticated) || errors.Is(err, strategy.ErrAnonymous) {
		t.Error("a Failure is not exactly ErrUnauthenticated")
	}
	if got, want := err.Error(), strategy.ErrUnauthenticated.Error(); got != want {
		t.Errorf("without a reason: %q, want %q", got, want)
	}
	if got := (&strategy.Failure{Reason: "why"}).Error(); !strings.HasSuffix(got, ": why") {
		t.Errorf("the reason is not in %q", got)
	}
	if errors.Is(&strategy.Redirect{URL: "/secret"}, strategy.ErrUnauthenticated) || strings.Contains((&strategy.Redirect{URL: "/secret"}).Error(), "secret") {
		t.Error("a Redirect is a refusal, or its text contains the URL")
	}
}

func TestReportReachesTheGuard(t *testing.T) {
	strategy.Report(t.Context(), strategy.Info{Detail: 0}) // outside a guard: nothing happens
	var got strategy.Info
	ctx := strategy.WithInfo(t.Context(), &got)
	strategy.Report(ctx, strategy.Info{Detail: 1})
	strategy.Report(context.WithoutCancel(ctx), strategy.Info{Detail: 2})
	if got.Detail != 2 {
		t.Errorf("got %v, want the last report, 2", got.Detail)
	}
}

type someone interface{ ID() int }

func (*login) ID() int { return 1 }

func TestNoUserKnowsEveryKindOfNobody(t *testing.T) {
	check := func(name string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: IsNilUser = %v, want %v", name, got, want)
		}
	}
	check("a nil pointer", strategy.IsNilUser[*login](nil), true)
	check("a pointer", strategy.IsNilUser(&login{}), false)
	check("a nil map", strategy.IsNilUser[map[string]any](nil), true)
	check("an empty map", strategy.IsNilUser(map[string]any{}), false)
	check("a nil slice", strategy.IsNilUser[[]byte](nil), true)
	check("an empty slice", strategy.IsNilUser([]byte{}), false)
	check("a nil function", strategy.IsNilUser[func()](nil), true)
	check("a nil channel", strategy.IsNilUser[chan int](nil), true)
	check("a nil interface", strategy.IsNilUser[someone](nil), true)
	check("a nil pointer in an interface", strategy.IsNilUser[someone]((*login)(nil)), true)
	check("a pointer in an interface", strategy.IsNilUser[someone](&login{}), false)
	check("a nil pointer in any", strategy.IsNilUser[any]((*login)(nil)), true)
	check("a number in any", strategy.IsNilUser[any](0), false)
	check("an empty struct", strategy.IsNilUser(login{}), false)
	check("the number 0", strategy.IsNilUser(0), false)
	check("the empty string", strategy.IsNilUser(""), false)
}

func TestAnonymousLetsEveryRequestPass(t *testing.T) {
	s := strategy.Anonymous[*login]()
	user, err := s.Authenticate(nil, withAuthorization())
	if user != nil || !errors.Is(err, strategy.ErrAnonymous) || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("got %v, %v, want ErrAnonymous", user, err)
	}
	if s.Name() != "anonymous" || !allowsCrossSite(s, withAuthorization()) {
		t.Errorf("name %q, cross-site %v, want anonymous and true", s.Name(), allowsCrossSite(s, withAuthorization()))
	}
}

func TestFuncIsAStrategy(t *testing.T) {
	s := strategy.Func("host", func(w http.ResponseWriter, r *http.Request) (string, error) {
		w.Header().Set("X-Seen", "yes")
		return r.Host, nil
	})
	w := httptest.NewRecorder()
	if got, err := s.Authenticate(w, withAuthorization()); got != "example.com" || err != nil || w.Header().Get("X-Seen") != "yes" {
		t.Errorf("got %q, %v, header %q", got, err, w.Header())
	}
	if s.Name() != "host" || allowsCrossSite(s, withAuthorization()) {
		t.Errorf("name %q, or cross-site requests are allowed", s.Name())
	}
	for _, name := range []string{"", strategy.NameSession, strategy.NameAnonymous} {
		if !panics(func() { strategy.Func(name, s.Authenticate) }) || !panics(func() { strategy.Named(name, s) }) {
			t.Errorf("the name %q is accepted", name)
		}
	}
	if !panics(func() { strategy.Func[string]("x", nil) }) || !panics(func() { strategy.Named[string]("x", nil) }) {
		t.Error("nil is accepted")
	}
}

func TestMapChangesTheUserOnly(t *testing.T) {
	outage := errors.New("database is down")
	tokens := map[string]error{"good": nil, "gone": strategy.ErrUnauthenticated, "down": outage, "nil": nil}
	s := strategy.Map(strategy.NewBearer("r", acceptToken), func(_ context.Context, token string) (*login, error) {
		if tokens[token] != nil || token == "nil" {
			return nil, tokens[token]
		}
		return &login{email: token}, nil
	})
	for token, status := range map[string]int{"good": 200, "gone": 401, "down": 500, "nil": 500} {
		user, err := s.Authenticate(nil, withAuthorization("Bearer "+token))
		if credtest.StatusOf(err) != status || (user != nil) != (status == 200) {
			t.Errorf("%s: got %v, %v, want status %d", token, user, err, status)
		}
	}
	if _, err := s.Authenticate(nil, withAuthorization()); challengeOf(err) == "" {
		t.Errorf("a refusal loses its challenge: %v", err)
	}
	if s.Name() != "bearer" || !allowsCrossSite(s, withAuthorization()) {
		t.Errorf("name %q, or the answer to CrossSite is lost", s.Name())
	}
	ambient := strategy.Map(strategy.NewBasic("r", accept), func(_ context.Context, l login) (string, error) { return l.email, nil })
	if allowsCrossSite(ambient, withAuthorization()) {
		t.Error("Map allows cross-site requests that the inner strategy refuses")
	}
	asked := false
	none := strategy.Map(strategy.Func("none", func(http.ResponseWriter, *http.Request) (*login, error) { return nil, nil }),
		func(context.Context, *login) (string, error) { asked = true; return "somebody", nil })
	if user, err := none.Authenticate(nil, withAuthorization()); credtest.StatusOf(err) != 500 || user != "" || asked {
		t.Errorf("a nil user: got %q, %v, function called: %v, want status 500", user, err, asked)
	}
	if !panics(func() { strategy.Map[string, string](nil, acceptToken) }) || !panics(func() { strategy.Map[string, string](ambient, nil) }) {
		t.Error("nil is accepted")
	}
}

func TestNamedRenamesAndUnwraps(t *testing.T) {
	s := strategy.Named("key", strategy.Named("token", strategy.NewBearer("r", acceptToken)))
	if got := s.Name(); got != "key" {
		t.Errorf("Name() = %q, want key", got)
	}
	if got, err := s.Authenticate(nil, withAuthorization("Bearer x")); got != "x" || err != nil {
		t.Errorf("got %q, %v, want x", got, err)
	}
	if !allowsCrossSite(s, withAuthorization()) {
		t.Error("the answer to CrossSite is not found through two decorators")
	}
	if allowsCrossSite(strategy.Strategy[string](nil), withAuthorization()) {
		t.Error("no strategy allows cross-site requests")
	}
}

// TestNoRowsIsAnOutageWithAHint, whichever function returns it.
func TestNoRowsIsAnOutageWithAHint(t *testing.T) {
	noRows := errors.New("sql: no rows in result set")
	two := func(context.Context, string, string) (*login, error) { return nil, noRows }
	one := func(context.Context, string) (*login, error) { return nil, noRows }
	for _, row := range []struct {
		s strategy.Strategy[*login]
		r *http.Request
	}{
		{strategy.NewLocal(two), credtest.Post(form, "email=joe&password=p")},
		{strategy.NewBasic("r", two), withAuthorization(basic("joe:p"))},
		{strategy.NewBearer("r", one), withAuthorization("Bearer abc")},
	} {
		_, err := row.s.Authenticate(nil, row.r)
		if !errors.Is(err, noRows) || credtest.StatusOf(err) != 500 || !strings.Contains(err.Error(), "wraps strategy.ErrUnauthenticated") {
			t.Errorf("%s: got %v, want the outage, and what validate should return", row.s.Name(), err)
		}
	}
}

// allowsCrossSite returns the answer of s, or of what it decorates, about other sites.
func allowsCrossSite[U any](s strategy.Strategy[U], r *http.Request) bool {
	c, ok := strategy.Ability[strategy.CrossSite](s)
	return ok && c.AllowCrossSite(r)
}
