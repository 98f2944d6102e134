package strategytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

const (
	goodToken = "a-made-up-good-token"
	badToken  = "a-made-up-bad-token"
	downToken = "a-made-up-token-in-an-outage"
)

// person is a user.
type person struct{ name string }

// toy is a strategy that keeps all rules: a token in the header X-Token. It redirects requests without a
// token that ask for that. Tests give it faults.
type toy struct {
	name  func() string
	allow func(r *http.Request) bool
	ask   func(w http.ResponseWriter, r *http.Request) (*person, error)
	claim func(r *http.Request) bool
}

func (s *toy) Name() string { return s.name() }

func (s *toy) AllowCrossSite(r *http.Request) bool { return s.allow(r) }

func (s *toy) Authenticate(w http.ResponseWriter, r *http.Request) (*person, error) {
	return s.ask(w, r)
}

func (s *toy) Claims(r *http.Request) (account string, ok bool, err error) {
	return "", s.claim(r), nil
}

func newToy() *toy {
	return &toy{
		func() string { return "toy" },
		func(*http.Request) bool { return true },
		keep,
		func(r *http.Request) bool { return r.Header.Get("X-Token") != "" },
	}
}

// keep is an Authenticate without a fault.
func keep(w http.ResponseWriter, r *http.Request) (*person, error) {
	switch r.Header.Get("X-Token") {
	case goodToken:
		w.Header().Set("X-Token-Next", "another")
		strategy.Report(r.Context(), strategy.Info{ReturnTo: "/cart"})
		return &person{"joe"}, nil
	case downToken:
		return nil, errors.New("toy: connection refused")
	}
	if r.URL.Path == "/start" {
		return nil, &strategy.Redirect{URL: "https://op.example/auth", Code: http.StatusSeeOther}
	}
	return nil, &strategy.Failure{Challenge: `Toy realm="r"`, Reason: "toy: not a token of ours"}
}

// toyCase returns the case of s.
func toyCase(s *toy) strategytest.StrategyCase[*person] {
	with := func(path, token string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("the handler's"))
			if token != "" {
				r.Header.Set("X-Token", token)
			}
			return r
		}
	}
	return strategytest.StrategyCase[*person]{
		Strategy: s, Good: with("/", goodToken), Wrong: with("/", badToken), Absent: with("/", ""),
		Outage: with("/", downToken), Redirect: with("/start", ""), Secrets: []string{badToken, downToken},
	}
}

func TestAGoodStrategyPasses(t *testing.T) {
	strategytest.RunStrategy(t, func(*testing.T) strategytest.StrategyCase[*person] { return toyCase(newToy()) })
}

func TestEachFaultOfAStrategyBreaksItsRule(t *testing.T) {
	covered := map[string]bool{}
	for _, row := range strategyFaults {
		synctest.Test(t, func(t *testing.T) {
			broken := strategytest.BrokenStrategyRules(func() strategytest.StrategyCase[*person] {
				s := newToy()
				row.fault(s)
				return toyCase(s)
			})
			if !slices.Contains(broken, row.rule) {
				t.Errorf("%s: the rules %q fail, want %q among them", row.name, broken, row.rule)
			}
		})
		covered[row.rule] = true
	}
	for _, rule := range strategytest.StrategyRules() {
		if !covered[rule] {
			t.Errorf("no fault breaks the rule %q", rule)
		}
	}
}

// instead returns a fault: another answer if keep fails with an error that like accepts.
func instead(like func(error) bool, user *person, err error) func(*toy) {
	return func(s *toy) {
		s.ask = func(w http.ResponseWriter, r *http.Request) (*person, error) {
			u, e := keep(w, r)
			if like(e) {
				return user, err
			}
			return u, e
		}
	}
}

func refusal(err error) bool { return errors.Is(err, strategy.ErrUnauthenticated) }

func redirect(err error) bool {
	var to *strategy.Redirect
	return errors.As(err, &to)
}

func outage(err error) bool { return err != nil && !refusal(err) && !redirect(err) }

func success(err error) bool { return err == nil }

// before returns a fault: something done before keep.
func before(do func(w http.ResponseWriter, r *http.Request)) func(*toy) {
	return func(s *toy) {
		s.ask = func(w http.ResponseWriter, r *http.Request) (*person, error) {
			do(w, r)
			return keep(w, r)
		}
	}
}

const (
	ruleName       = "the name by which a guard selects the strategy; not empty, constant"
	ruleNil        = "A nil pointer, map, slice, func or interface is never a user"
	ruleAlike      = "absent and wrong alike"
	ruleOutage     = "any other error: an outage; nobody is logged in, the answer is 5xx"
	ruleWrites     = "writing a status or a body is a bug"
	ruleAsFound    = "Authenticate leaves r to the handler as it found it"
	ruleText       = "No credential is in the text of an error"
	ruleStatus     = "4xx; 0 means 401"
	ruleRedirect   = "3xx; 0 means 302 Found"
	ruleReport     = "the log-in that the strategy is about to return"
	ruleClaims     = "false when r brings no credentials that Authenticate would look at"
	ruleConcurrent = "It is safe for concurrent use"
)

var strategyFaults = []struct {
	name, rule string
	fault      func(*toy)
}{
	{"the name is empty", ruleName, func(s *toy) { s.name = func() string { return "" } }},
	{"the name counts", ruleName, func(s *toy) {
		var n atomic.Int64
		s.name = func() string { return fmt.Sprint("toy", n.Add(1)) }
	}},
	{"the name is a guard's own", "No other strategy may have one of them", func(s *toy) { s.name = func() string { return "session" } }},
	{"good credentials are refused", "success(user) user, nil", instead(success, nil, strategy.ErrUnauthenticated)},
	{"nobody and no error, as Node's done(null, false)", ruleNil, instead(refusal, nil, nil)},
	{"a refusal is an error of its own", ruleAlike, instead(refusal, nil, errors.New("toy: bad token"))},
	{"a refusal has the text and does not wrap", ruleAlike, instead(refusal, nil, errors.New("toy: "+strategy.ErrUnauthenticated.Error()))},
	{"a refusal is ErrAnonymous too", ruleAlike, instead(refusal, nil, errors.Join(strategy.ErrUnauthenticated, strategy.ErrAnonymous))},
	{"an outage is a refusal", ruleOutage, instead(outage, nil, fmt.Errorf("toy: %w", strategy.ErrUnauthenticated))},
	{"an outage lets pass", ruleOutage, instead(outage, nil, strategy.ErrAnonymous)},
	{"an outage is a log-in from a stale cache", ruleOutage, instead(outage, &person{"joe"}, nil)},
	{"it answers 401 by itself", ruleWrites, before(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })},
	{"it writes a body", ruleWrites, before(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no") })},
	{"it keeps the request in a field", ruleConcurrent, func(s *toy) {
		var inside atomic.Int64
		s.ask = func(w http.ResponseWriter, r *http.Request) (*person, error) {
			defer inside.Add(-1)
			inside.Add(1)
			time.Sleep(time.Nanosecond) // in the bubble this waits until every other call is here too
			if inside.Load() > 1 {
				return nil, errors.New("toy: the request of somebody else is there")
			}
			return keep(w, r)
		}
	}},
	{"it reads the body", "a body that it read can be read again from its beginning", before(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })},
	{"it takes the token out of the request", ruleAsFound, func(s *toy) {
		s.ask = func(w http.ResponseWriter, r *http.Request) (*person, error) {
			defer r.Header.Del("X-Token")
			return keep(w, r)
		}
	}},
	{"it strips the path", ruleAsFound, func(s *toy) {
		s.ask = func(w http.ResponseWriter, r *http.Request) (*person, error) {
			defer func() { r.URL.Path = "/stripped" }()
			return keep(w, r)
		}
	}},
	{"the text quotes the token", ruleText, instead(refusal, nil, fmt.Errorf("%w: token %s", strategy.ErrUnauthenticated, badToken))},
	{"the reason quotes the token", ruleText, instead(refusal, nil, fmt.Errorf("toy: %w", hidden{&strategy.Failure{Reason: "token " + badToken}}))},
	{"an outage quotes the token", ruleText, instead(outage, nil, errors.New("toy: GET /"+downToken+": connection refused"))},
	{"a refusal has the status 500", ruleStatus, instead(refusal, nil, &strategy.Failure{Status: 500})},
	{"a refusal has the status 200", ruleStatus, instead(refusal, nil, fmt.Errorf("toy: %w", &strategy.Failure{Status: 200}))},
	{"RetryAfter is in the past", "0 means no Retry-After header", instead(refusal, nil, &strategy.Failure{RetryAfter: -time.Second})},
	{"the challenge has no quotes", "a WWW-Authenticate value of one challenge (RFC 9110 §11.3)", instead(refusal, nil, &strategy.Failure{Challenge: "Toy realm=my shop"})},
	{"a redirect is a 200", ruleRedirect, instead(redirect, nil, &strategy.Redirect{URL: "/", Code: 200})},
	{"a redirect leads nowhere", ruleRedirect, instead(redirect, nil, &strategy.Redirect{})},
	{"a redirect is a refusal too", ruleRedirect, instead(redirect, nil, errors.Join(strategy.ErrUnauthenticated, &strategy.Redirect{URL: "/"}))},
	{"no redirect", ruleRedirect, instead(redirect, nil, strategy.ErrAnonymous)},
	{"it reports before it knows", ruleReport, before(func(_ http.ResponseWriter, r *http.Request) {
		strategy.Report(r.Context(), strategy.Info{Detail: "a log-in"})
	})},
	{"the flow ends at another site", "where the flow wants to end; a local path", func(s *toy) {
		s.ask = func(w http.ResponseWriter, r *http.Request) (*person, error) {
			user, err := keep(w, r)
			if err == nil {
				strategy.Report(r.Context(), strategy.Info{ReturnTo: "//evil.example"})
			}
			return user, err
		}
	}},
	{"AllowCrossSite answers in turns", "The answer about one request is the same whenever it is asked", func(s *toy) {
		var n atomic.Int64
		s.allow = func(*http.Request) bool { return n.Add(1)%2 == 0 }
	}},
	{"it claims what is not there", ruleClaims, func(s *toy) { s.claim = func(*http.Request) bool { return true } }},
	{"it claims nothing", ruleClaims, func(s *toy) { s.claim = func(*http.Request) bool { return false } }},
	{"it claims good credentials alone", ruleClaims, func(s *toy) {
		s.claim = func(r *http.Request) bool { return r.Header.Get("X-Token") == goodToken }
	}},
	{"nothing at all is malformed", "brought credentials of this kind that cannot be read", instead(refusal, nil, &strategy.Failure{Malformed: true})},
	{"Claims reads the body", "r can be read afterwards as before", func(s *toy) {
		s.claim = func(r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			return r.Header.Get("X-Token") != ""
		}
	}},
}

// hidden is an error whose text differs from that of the error it wraps.
type hidden struct{ err error }

func (hidden) Error() string { return "toy: refused" }

func (h hidden) Unwrap() error { return h.err }

func TestACaseWithoutWhatIsRequiredFails(t *testing.T) {
	broken := strategytest.BrokenStrategyRules(func() strategytest.StrategyCase[*person] {
		c := toyCase(newToy())
		c.Wrong = nil
		return c
	})
	if got, want := len(broken), len(strategytest.StrategyRules()); got != want {
		t.Errorf("without Wrong %d rules fail, want all %d", got, want)
	}
}

// TestRulesQuoteTheContract: each rule is quoted from a comment of package strategy.
func TestRulesQuoteTheContract(t *testing.T) {
	var comments strings.Builder
	for _, name := range []string{"strategy.go", "reserved.go", "claimant.go"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, comment, ok := strings.Cut(line, "//"); ok {
				comments.WriteString(comment)
			}
		}
	}
	contract := strings.Join(strings.Fields(comments.String()), " ")
	for _, rule := range strategytest.StrategyRules() {
		if !strings.Contains(contract, rule) {
			t.Errorf("%q is not in the contract", rule)
		}
	}
}

// TestStrategiesOfFuncsPass, also decorated.
func TestStrategiesOfFuncsPass(t *testing.T) {
	base := strategy.Func("toy", keep)
	for _, row := range []struct {
		name string
		s    strategy.Strategy[*person]
	}{
		{"Func", base},
		{"Named", strategy.Named("other", base)},
		{"Map", strategy.Map(base, func(_ context.Context, p *person) (*person, error) { return &person{p.name + "!"}, nil })},
	} {
		t.Run(row.name, func(t *testing.T) {
			strategytest.RunStrategy(t, func(*testing.T) strategytest.StrategyCase[*person] {
				c := toyCase(nil)
				c.Strategy = row.s
				return c
			})
		})
	}
}
