package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// offered begins the set-up of an app and returns its address.
func offered(t testing.TB, r reply) string {
	t.Helper()
	r.want(t, http.StatusCreated, "otpauth://totp/")
	var app struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal([]byte(r.body), &app); err != nil {
		t.Fatal(err)
	}
	return app.URL
}

// TestAnotherTabBeginsTheSetUpAnew between the moment at which a code is compared and the one at which it
// counts: what is taken into use is an app whose code was right, or none.
func TestAnotherTabBeginsTheSetUpAnew(t *testing.T) {
	redis := miniredis.RunT(t)
	p := start(t, "-totp", "-redis", "redis://"+redis.Addr(), "-secret", secret)
	v := p.visitor()
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	first := offered(t, v.post("/auth/totp/new"))

	var armed atomic.Bool
	armed.Store(true)
	begun := make(chan reply, 1)
	redis.Server().SetPreHook(func(_ *server.Peer, cmd string, args ...string) bool {
		if strings.HasPrefix(cmd, "EVAL") && strings.Contains(strings.Join(args, " "), "cell:") && armed.CompareAndSwap(true, false) {
			answer, err := v.send(t.Context(), http.MethodPost, "/auth/totp/new", form, "") // the other tab
			if err != nil {
				t.Error(err)
			}
			begun <- answer
		}
		return false
	})
	v.post("/auth/totp/confirm", "code", codeOf(t, first, time.Now())).want(t, http.StatusConflict, "begun anew")
	second := offered(t, <-begun)

	p.visitor().logIn(joe, joesPass).want(t, http.StatusOK, "") // no app is in use
	later := codeOf(t, second, time.Now().Add(30*time.Second))  // the step of the first code is used up
	v.post("/auth/totp/confirm", "code", later).want(t, http.StatusOK, "is set up")
}

// TestTheCodeThatConfirmsIsUsedUp: it opens nothing once more.
func TestTheCodeThatConfirmsIsUsedUp(t *testing.T) {
	v := start(t, "-totp").visitor()
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	code := codeOf(t, offered(t, v.post("/auth/totp/new")), time.Now())
	v.post("/auth/totp/confirm", "code", code).want(t, http.StatusOK, "is set up")
	v.post("/auth/totp", "code", code).want(t, http.StatusUnauthorized, "")
}
