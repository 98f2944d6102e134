package throttle_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

const (
	form = "application/x-www-form-urlencoded"
	js   = "application/json"
)

var errDown = errors.New("connection refused")

// login is what a validate function was given.
type login struct{ email, password string }

func accept(_ context.Context, email, password string) (login, error) {
	return login{email, password}, nil
}

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/login?email=query&password=query", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// statusOf returns the status that err asks for: 200 for none, 500 for an outage.
func statusOf(err error) int {
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

func basic(userPass string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userPass))
}

func withAuthorization(values ...string) *http.Request {
	r := httptest.NewRequest("GET", "/?access_token=query", nil)
	r.Header["Authorization"] = values
	return r
}

func acceptToken(_ context.Context, token string) (string, error) { return token, nil }
