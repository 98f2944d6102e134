package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/password"
)

// client sends requests to the application.
type client struct {
	t       *testing.T
	handler http.Handler
}

func newClient(t *testing.T) client {
	t.Helper()
	users, err := newUsers(&password.Bcrypt{InsecureFast: true, Cost: 4}) // cheap, for a test only
	if err != nil {
		t.Fatal(err)
	}
	handler, err := newApp("http://"+address, users)
	if err != nil {
		t.Fatal(err)
	}
	return client{t, handler}
}

// post sends a form.
func (c client) post(path, form string) (int, string) {
	c.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(r)
}

func (c client) profile(token string) (int, string) {
	r := httptest.NewRequest("GET", "/profile", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return c.do(r)
}

func (c client) do(r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	return w.Code, strings.TrimSpace(string(body))
}

// pair reads the two tokens of an answer.
func (c client) pair(status int, body string) (access, refresh string) {
	c.t.Helper()
	var tokens struct {
		Access  string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); status != 200 || err != nil || tokens.Type != "Bearer" || tokens.Expires != 300 {
		c.t.Fatalf("got %d %s, %v, want tokens", status, body, err)
	}
	return tokens.Access, tokens.Refresh
}

func (c client) want(what string, gotStatus int, gotBody string, status int, body string) {
	c.t.Helper()
	if gotStatus != status || !strings.Contains(gotBody, body) {
		c.t.Errorf("%s: got %d %s, want %d %s", what, gotStatus, gotBody, status, body)
	}
}

func TestTheFlowOfNestsGuide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t)
		const joe = `{"id":"1","name":"Joe Foo","email":"joefoo@test.com"}`

		status, body := c.post("/auth/login", "email=joefoo@test.com&password=wrong")
		c.want("a wrong password", status, body, 401, "")
		access, refresh := c.pair(c.post("/auth/login", "email=joefoo@test.com&password=Passw0rd!"))

		status, body = c.profile(access)
		c.want("the guarded route", status, body, 200, joe)
		status, body = c.profile(refresh)
		c.want("the guarded route with the wrong token", status, body, 401, "")
		status, body = c.post("/auth/refresh", "refresh_token="+access)
		c.want("the exchange with the wrong token", status, body, 401, "")

		<-time.After(6 * time.Minute)
		status, body = c.profile(access)
		c.want("when the token has expired", status, body, 401, "")
		access, second := c.pair(c.post("/auth/refresh", "refresh_token="+refresh))
		status, body = c.profile(access)
		c.want("with the next one", status, body, 200, joe)

		status, body = c.do(httptest.NewRequest("POST", "/auth/refresh?refresh_token="+second, nil))
		c.want("a refresh token in the URL", status, body, 401, "")
		<-time.After(time.Minute)
		c.pair(c.post("/auth/refresh", "refresh_token="+refresh)) // as if the answer had been lost
		status, body = c.post("/auth/refresh", "refresh_token="+second)
		c.want("its first successor, which somebody has after all", status, body, 401, "")
		status, body = c.post("/auth/refresh", "refresh_token="+refresh)
		c.want("the whole family", status, body, 401, "")
	})
}

func TestLogOut(t *testing.T) {
	c := newClient(t)
	_, refresh := c.pair(c.post("/auth/login", "email=jenbar@test.com&password=P4ssword!"))
	status, body := c.post("/auth/logout", "refresh_token="+refresh)
	c.want("log-out", status, body, 204, "")
	status, body = c.post("/auth/refresh", "refresh_token="+refresh)
	c.want("afterwards", status, body, 401, "")
	status, body = c.do(httptest.NewRequest("GET", "/jwks.json", nil))
	c.want("the key set", status, body, 200, `"kid":"2026-01"`)
}
