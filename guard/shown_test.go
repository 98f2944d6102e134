package guard_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// TestWhoBringsNothingShowedNothing: a page with several kinds of credentials is no failed log-in for its
// visitors, whatever status a strategy gives to those without credentials. Malformed credentials count as
// shown; what a body contains that cannot be read is unknown.
func TestWhoBringsNothingShowedNothing(t *testing.T) {
	const form, js = "application/x-www-form-urlencoded", "application/json"
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	event := ""
	strategies := everyStrategy(t, memory)
	g, err := guard.New(guard.Config{Logger: slog.New(slog.DiscardHandler), OnEvent: func(_ context.Context, e guard.Event) {
		event = string(e.Name) + " " + e.Strategy
	}}, nil, strategies...)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ method, media, body, header, value string }
	rows := map[string][]row{ // requests with something malformed for the strategy of that name
		"local":      {{"POST", form, "email=joe", "", ""}, {"POST", js, `{"email":1}`, "", ""}, {"POST", form, "email[]=joe", "", ""}},
		"limited":    {{"POST", form, "password=x", "", ""}},
		"totp":       {{"POST", form, "code=1&code=2", "", ""}, {"POST", js, `{"code":1}`, "", ""}},
		"magic-link": {{"POST", form, "token=1&token=2", "", ""}, {"POST", js, `{"token":[]}`, "", ""}},
		"mapped":     {{"POST", form, "email=joe&email=jen&password=x", "", ""}},
		"basic":      {{"GET", "", "", "Authorization", "Basic !!"}, {"GET", "", "", "Authorization", "Basic"}},
		"bearer":     {{"GET", "", "", "Authorization", "Bearer !!"}, {"GET", "", "", "Authorization", "Bearer"}},
		"apikey":     {{"GET", "", "", "X-API-Key", "!!"}},
	}
	nothing := []row{
		{"GET", "", "", "", ""}, {"HEAD", "", "", "", ""}, {"POST", "", "", "", ""}, {"POST", form, "", "", ""}, {"POST", form, "cart=3", "", ""},
		{"POST", js, `{"cart":3}`, "", ""}, {"POST", form, "email=&password=&code=&token=", "", ""},
		{"POST", "text/plain", "joe", "", ""}, {"POST", "application/octet-stream", "joe", "", ""}, {"POST", js, "[]", "", ""},
		{"POST", js, `{"cart":`, "", ""}, {"POST", form, "cart=" + strings.Repeat("3", 70_000), "", ""}, {"POST", form, "cart=%", "", ""},
	}
	ask := func(name string, what row) string {
		r := httptest.NewRequest(what.method, "/", strings.NewReader(what.body))
		if what.body == "" {
			r.ContentLength, r.TransferEncoding = -1, []string{"chunked"} // an empty body of unknown length
		}
		if what.media != "" {
			r.Header.Set("Content-Type", what.media)
		}
		if what.header != "" {
			r.Header.Set(what.header, what.value)
		}
		event = ""
		g.Authenticate(name)(whoami(g)).ServeHTTP(httptest.NewRecorder(), r)
		return event
	}
	for _, s := range strategies {
		if len(rows[s.Name()]) == 0 {
			t.Errorf("no row shows %s anything", s.Name())
		}
		for _, what := range rows[s.Name()] {
			if got, want := ask(s.Name(), what), "authn_login_fail "+s.Name(); got != want {
				t.Errorf("%s shown %+.60v: got the event %q, want %q", s.Name(), what, got, want)
			}
		}
		for _, what := range nothing {
			if got := ask(s.Name(), what); got != "" {
				t.Errorf("%s without credentials, %+v: got the event %q, want none", s.Name(), what, got)
			}
		}
	}
}

// former is a strategy from before Failure had Malformed: it also has a Reason for a request without a key.
type former struct{}

func (former) Name() string { return "former" }

func (former) Claims(r *http.Request) (string, bool, error) {
	return "", r.Header.Get("Key") != "", nil
}

func (former) Authenticate(http.ResponseWriter, *http.Request) (*User, error) {
	return nil, &strategy.Failure{Reason: "api key: none, or several"}
}

// TestAReasonAloneShowsNothing: it raises no false alarm, and hides no pending log-in.
func TestAReasonAloneShowsNothing(t *testing.T) {
	w := newWorld(t)
	g, err := guard.New(guard.Config{Sessions: w.sessions, Logger: w.logger(), OnEvent: w.note,
		Factors: guard.FactorsOf(func(context.Context, *User) ([]string, error) { return []string{"totp"}, nil })},
		w.table.stamped(), strategy.NewLocal(w.table.check), strategy.Strategy[*User](w.second), former{})
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /former/login", g.Authenticate("local")(g.LogIn(w.hello())))
	w.mux.Handle("GET /page", g.Authenticate("session", "former")(w.hello()))
	b := w.open()
	b.Get("/page").Want(t, 401, "")
	if got := w.saw(); got != "[]" {
		t.Errorf("a visitor: got events %s, want none", got)
	}
	b.Post("/former/login", "email", "joe@test.com", "password", password).Want(t, 401, "")
	w.saw()
	b.Get("/page").Want(t, 401, "")
	if got, want := w.saw(), "[authz_fail/factor]"; got != want {
		t.Errorf("a pending log-in: got events %s, want %s", got, want)
	}
}

// everyStrategy returns one of each kind of strategy that is a strategy.Claimant.
func everyStrategy(t *testing.T, memory *store.MemoryStores) []strategy.Strategy[*User] {
	t.Helper()
	find := func(context.Context, string, string) (*User, error) { return nil, strategy.ErrUnauthenticated }
	one := func(context.Context, string) (*User, error) { return nil, strategy.ErrUnauthenticated }
	limited, err := throttle.New(throttle.Config{}, strategy.Named("limited", strategy.Strategy[*User](strategy.NewLocal(find))))
	if err != nil {
		t.Fatal(err)
	}
	codes, err := totp.NewCodes(totp.CodesConfig{Issuer: "test", Cells: memory.Cells})
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.New(totp.Config[*User]{Codes: codes, Enrolled: func(*http.Request) (totp.Enrolled[*User], error) {
		return totp.Enrolled[*User]{User: joe, Account: "joe", Key: codes.NewKey()}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := onetime.New(onetime.Config{Tokens: memory.Tokens, Purpose: "log-in"})
	if err != nil {
		t.Fatal(err)
	}
	link, err := onetime.NewMagicLink(onetime.MagicLinkConfig{Tokens: tokens}, one)
	if err != nil {
		t.Fatal(err)
	}
	key, err := apikey.New(apikey.Config{Prefix: "test", Headers: []string{"X-API-Key"}}, func(context.Context, string) (apikey.Key, *User, error) {
		return apikey.Key{}, nil, strategy.ErrUnauthenticated
	})
	if err != nil {
		t.Fatal(err)
	}
	mapped := strategy.Map(strategy.Named("mapped", strategy.Strategy[*User](strategy.NewLocal(find))), func(_ context.Context, u *User) (*User, error) { return u, nil })
	return []strategy.Strategy[*User]{
		strategy.NewLocal(find), limited, code, link, key, mapped, strategy.NewBasic("r", find), strategy.NewBearer("r", one),
	}
}
