package onetime_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

const form = "application/x-www-form-urlencoded"

var errDown = errors.New("connection refused")

// login is what a validate function was given.
type login struct{ email string }

// phone is a user.
type phone struct{ name string }

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/login?email=query&password=query", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func postForm(body string) *http.Request { return post(form, body) }

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
