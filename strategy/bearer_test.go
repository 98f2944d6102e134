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

func trimLeft(s string) string { return strings.TrimLeft(s, " ") }

func acceptToken(_ context.Context, token string) (string, error) { return token, nil }

func TestRFC6750_BearerReadsTheHeader(t *testing.T) {
	s := strategy.NewBearer("r", acceptToken)
	for _, row := range []struct{ name, header, want string }{
		{"the example of section 2.1", "Bearer mF_9.B5f-4.1JqM", "mF_9.B5f-4.1JqM"},
		{"a scheme in odd case and two spaces", "bEARER  abc", "abc"},
		{"all characters of a b64token", "Bearer aZ09-._~+/==", "aZ09-._~+/=="},
	} {
		if got, err := s.Authenticate(nil, withAuthorization(row.header)); err != nil || got != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

func TestRFC6750_3_1_BearerAnswersEachFaultWithItsCode(t *testing.T) {
	const plain, invalidRequest, invalidToken = `Bearer realm="r"`, `Bearer realm="r", error="invalid_request"`, `Bearer realm="r", error="invalid_token"`
	wrong := errors.New("wrong")
	refuse := func(err error) strategy.Strategy[*login] {
		return strategy.NewBearer("r", func(context.Context, string) (*login, error) { return nil, err })
	}
	good := []string{"Bearer abc"}
	for _, row := range []struct {
		name      string
		s         strategy.Strategy[*login]
		headers   []string
		status    int
		challenge string
	}{
		{"no header: no error code", refuse(nil), nil, 401, plain},
		{"another scheme: no error code", refuse(nil), []string{"Basic QTpC"}, 401, plain},
		{"the scheme alone", refuse(nil), []string{"Bearer"}, 400, invalidRequest},
		{"only padding", refuse(nil), []string{"Bearer =="}, 400, invalidRequest},
		{"padding inside", refuse(nil), []string{"Bearer a=b"}, 400, invalidRequest},
		{"two tokens", refuse(nil), []string{"Bearer a b"}, 400, invalidRequest},
		{"a quote", refuse(nil), []string{`Bearer a"b`}, 400, invalidRequest},
		{"two headers", refuse(nil), []string{"Bearer a", "Bearer a"}, 400, invalidRequest},
		{"two headers of two schemes", refuse(nil), []string{"Basic QTpC", "Bearer a"}, 400, invalidRequest},
		{"a refused token", refuse(strategy.ErrUnauthenticated), good, 401, invalidToken},
		{"a Failure of validate", refuse(&strategy.Failure{Reason: "expired"}), good, 401, invalidToken},
		{"a missing scope", refuse(strategy.InsufficientScope("read", "write:x")), good, 403, `Bearer realm="r", error="insufficient_scope", scope="read write:x"`},
		{"a scope that no challenge can carry", refuse(strategy.InsufficientScope(`a"b`)), good, 403, `Bearer realm="r", error="insufficient_scope"`},
		{"an outage", refuse(wrong), good, 500, ""},
		{"a nil user", refuse(nil), good, 500, ""},
	} {
		got, err := row.s.Authenticate(nil, withAuthorization(row.headers...))
		if credtest.StatusOf(err) != row.status || challengeOf(err) != row.challenge || got != nil {
			t.Errorf("%s: got %v, %v, challenge %q, want status %d, challenge %q", row.name, got, err, challengeOf(err), row.status, row.challenge)
		}
	}
	if err := strategy.InsufficientScope("read"); credtest.StatusOf(err) != 401 {
		t.Errorf("outside a bearer strategy, %v is not a refusal", err)
	}
}

func TestRFC6750_BearerReadsNoOtherPlace(t *testing.T) {
	r := httptest.NewRequest("POST", "/?access_token=abc", strings.NewReader("access_token=abc"))
	r.Header.Set("Content-Type", form)
	if got, err := strategy.NewBearer("r", acceptToken).Authenticate(nil, r); credtest.StatusOf(err) != 401 {
		t.Errorf("got %q, %v, want status 401", got, err)
	}
}

func TestBearerIsNotAmbient(t *testing.T) {
	s := strategy.NewBearer("r", acceptToken)
	if !allowsCrossSite(s, withAuthorization()) {
		t.Error("cross-site requests are refused, although no browser adds a token by itself")
	}
	if got := s.Name(); got != "bearer" {
		t.Errorf("Name() = %q, want bearer", got)
	}
	if !panics(func() { strategy.NewBearer[string]("r", nil) }) {
		t.Error("a nil validate is accepted")
	}
}

func FuzzBearerHeader(f *testing.F) {
	f.Add("Bearer mF_9.B5f-4.1JqM")
	f.Add("bearer  a=")
	s := strategy.NewBearer("r", acceptToken)
	f.Fuzz(func(t *testing.T, header string) {
		token, err := s.Authenticate(nil, withAuthorization(header))
		if err != nil {
			if status := credtest.StatusOf(err); status != http.StatusUnauthorized && status != http.StatusBadRequest || challengeOf(err) == "" {
				t.Fatalf("%q: %v", header, err)
			}
			return
		}
		again, err := s.Authenticate(nil, withAuthorization("Bearer "+token))
		if err != nil || again != token || strings.ContainsAny(token, " \t\"\\,\r\n") {
			t.Fatalf("%q reads as %q, which reads as %q, %v", header, token, again, err)
		}
	})
}
