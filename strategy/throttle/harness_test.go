package throttle_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
)

const (
	form = "application/x-www-form-urlencoded"
	js   = "application/json"
)

// login is what a validate function got.
type login struct{ email, password string }

func accept(_ context.Context, email, password string) (login, error) {
	return login{email, password}, nil
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
