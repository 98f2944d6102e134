package strategy_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
)

func withAuthorization(values ...string) *http.Request {
	r := httptest.NewRequest("GET", "/?access_token=query", nil)
	r.Header["Authorization"] = values
	return r
}

func basic(userPass string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userPass))
}

// challengeOf returns the challenge that err asks for.
func challengeOf(err error) string {
	var f *strategy.Failure
	if errors.As(err, &f) {
		return f.Challenge
	}
	return ""
}

func asSent(name string) string { return name }

func TestRFC7617_BasicReadsCredentials(t *testing.T) {
	s := strategy.NewBasicWith("the realm", asSent, accept)
	for _, row := range []struct {
		name, header string
		want         login
	}{
		{"the example of section 2", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", login{"Aladdin", "open sesame"}},
		{"the example of section 2.1, UTF-8", "Basic dGVzdDoxMjPCow==", login{"test", "123£"}},
		{"a scheme in odd case and two spaces", "bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", login{"Aladdin", "open sesame"}},
		{"colons in the password", basic("a:b:c:"), login{"a", "b:c:"}},
		{"an empty password", basic("key:"), login{"key", ""}},
		{"an empty user-id", basic(":token"), login{"", "token"}},
	} {
		if got, err := s.Authenticate(nil, withAuthorization(row.header)); err != nil || got != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

func TestRFC7617_BasicRefusesWithAChallenge(t *testing.T) {
	const challenge = `Basic realm="the \"realm\" \\", charset="UTF-8"`
	s := strategy.NewBasic(`the "realm" \`, accept)
	for _, row := range []struct {
		name    string
		headers []string
		status  int
		want    string
	}{
		{"no header", nil, 401, challenge},
		{"another scheme", []string{"Bearer QTpC"}, 401, challenge},
		{"the scheme alone", []string{"Basic"}, 401, challenge},
		{"not base64", []string{"Basic QTpC!"}, 401, challenge},
		{"base64 without its padding", []string{"Basic QTo"}, 401, challenge},
		{"base64 with stray bits", []string{"Basic QTp="}, 401, challenge},
		{"base64url", []string{"Basic Pj46Pz8_"}, 401, challenge},
		{"something behind it", []string{basic("a:b") + " x"}, 401, challenge},
		{"no colon", []string{basic("ab")}, 401, challenge},
		{"a control character in the user-id", []string{basic("a\x00:b")}, 401, challenge},
		{"a control character in the password", []string{basic("a:b\r\nc")}, 401, challenge},
		{"Latin-1", []string{basic("test:123\xa3")}, 401, challenge},
		{"two headers", []string{basic("a:b"), basic("a:b")}, 400, ""},
	} {
		got, err := s.Authenticate(nil, withAuthorization(row.headers...))
		if credtest.StatusOf(err) != row.status || challengeOf(err) != row.want || got != (login{}) {
			t.Errorf("%s: got %q, %v, challenge %q, want status %d and challenge %q", row.name, got, err, challengeOf(err), row.status, row.want)
		}
	}
}

func TestBasicPassesOnWhatValidateSays(t *testing.T) {
	const challenge = `Basic realm="r", charset="UTF-8"`
	wrong := errors.New("wrong")
	for _, row := range []struct {
		name      string
		err       error
		status    int
		challenge string
	}{
		{"a plain refusal gets the challenge", strategy.ErrUnauthenticated, 401, challenge},
		{"a wrapped refusal stays wrapped", errors.Join(wrong, strategy.ErrUnauthenticated), 401, challenge},
		{"a Failure without a status gets the challenge", &strategy.Failure{Reason: "why"}, 401, challenge},
		{"a Failure with a status keeps it", &strategy.Failure{Status: 403}, 403, ""},
		{"a Failure with a challenge keeps it", &strategy.Failure{Challenge: "Other"}, 401, "Other"},
		{"an outage", wrong, 500, ""},
		{"a nil user", nil, 500, ""},
	} {
		s := strategy.NewBasic("r", func(context.Context, string, string) (*login, error) { return nil, row.err })
		_, err := s.Authenticate(nil, withAuthorization(basic("a:b")))
		if credtest.StatusOf(err) != row.status || challengeOf(err) != row.challenge {
			t.Errorf("%s: got %v, challenge %q, want status %d, challenge %q", row.name, err, challengeOf(err), row.status, row.challenge)
		}
		if errors.Is(row.err, wrong) && !errors.Is(err, wrong) {
			t.Errorf("%s: %v does not wrap the error of validate", row.name, err)
		}
		var given, got *strategy.Failure
		if errors.As(row.err, &given) && (!errors.As(err, &got) || got.Reason != given.Reason) {
			t.Errorf("%s: the reason is lost: %v", row.name, err)
		}
	}
}

func TestBasicIsAmbient(t *testing.T) {
	if s := strategy.NewBasic("r", accept); allowsCrossSite(s, withAuthorization()) {
		t.Error("cross-site requests are allowed, although browsers add Basic credentials by themselves")
	}
}

func TestNewBasicStopsTheProgramOnAMistake(t *testing.T) {
	if got := strategy.NewBasic("r", accept).Name(); got != "basic" {
		t.Errorf("Name() = %q, want basic", got)
	}
	if !panics(func() { strategy.NewBasic[login]("r", nil) }) {
		t.Error("a nil validate is accepted")
	}
	if !panics(func() { strategy.NewBasic("r\r\nX: y", accept) }) {
		t.Error("a realm with a line break is accepted")
	}
}

func FuzzBasicHeader(f *testing.F) {
	f.Add(basic("a:b"))
	f.Add("basic  QTo=")
	f.Add("Basic QTp=")
	s := strategy.NewBasicWith("r", asSent, accept)
	f.Fuzz(func(t *testing.T, header string) {
		got, err := s.Authenticate(nil, withAuthorization(header))
		if err != nil {
			if credtest.StatusOf(err) != 401 || challengeOf(err) == "" {
				t.Fatalf("%q: %v", header, err)
			}
			return
		}
		// Credentials that parse encode to themselves, except for the scheme's case and spaces.
		want := basic(got.email + ":" + got.password)
		if trimmed := "Basic " + trimLeft(header[len("Basic"):]); trimmed != want {
			t.Fatalf("%q reads as %q, which is written %q", header, got, want)
		}
		r := withAuthorization(header)
		if user, pass, ok := r.BasicAuth(); ok && (login{user, pass}) != got {
			t.Fatalf("net/http reads %q:%q from %q, we %q", user, pass, header, got)
		}
	})
}
