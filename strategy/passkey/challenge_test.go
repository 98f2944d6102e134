package passkey_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// TestAChallengeIsBoundAndGoodOnce: to the browser, its purpose, the user, five minutes, and one use.
func TestAChallengeIsBoundAndGoodOnce(t *testing.T) {
	for _, row := range []struct {
		name   string
		do     func(*visitor) (text string) // returns the options whose answer is sent to the log-in
		reason string
	}{
		{"of another browser", func(v *visitor) string {
			v.Browser = v.w.visit(v.authenticator).Browser
			return v.w.visit(v.authenticator).options("/passkey/options")
		}, "sent no cookie __Host-passkey"},
		{"of another browser, and the cookie of its own", func(v *visitor) string {
			v.options("/passkey/options")
			return v.w.visit(v.authenticator).options("/passkey/options")
		}, "made for another browser"},
		{"of a registration", func(v *visitor) string {
			v.byPassword(v.w.joe)
			text := v.options("/passkeys/options")
			v.Post("/logout")
			return strings.Replace(text, `"excludeCredentials"`, `"allowCredentials"`, 1)
		}, "the challenge was made for something else"},
		{"of another user's second factor", func(v *visitor) string {
			jen := v.w.visit(newSecurityKey(v.t))
			jen.byPassword(v.w.jen)
			jen.register().Want(v.t, http.StatusCreated, "")
			text := jen.options("/stepup/options")
			v.SetCookie("__Host-passkey", jen.Cookie("__Host-passkey"))
			return strings.Replace(text, b64(jen.keys[0].id), b64(v.keys[0].id), 1)
		}, "the challenge was made for another user"},
		{"of another program", func(v *visitor) string {
			other := newWorld(v.t, func(c *passkey.Config[*User]) { c.Secrets = []string{otherSecret} }).visit(v.authenticator)
			text := other.options("/passkey/options")
			v.SetCookie("__Host-passkey", other.Cookie("__Host-passkey"))
			return text
		}, "or by another program"},
		{"that was used", func(v *visitor) string {
			text := v.options("/passkey/options")
			v.send(http.MethodPost, "/passkey", v.get(text)).Want(v.t, http.StatusOK, "done")
			v.Post("/logout")
			return text
		}, "the challenge was used already"},
		{"that is five minutes old", func(v *visitor) string {
			text, cookie := v.options("/passkey/options"), v.Cookie("__Host-passkey")
			time.Sleep(5 * time.Minute)
			v.SetCookie("__Host-passkey", cookie)
			return text
		}, "the challenge is older than 5m0s"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newWorld(t).registered(newAuthenticator(t))
				text := row.do(v)
				v.wantRefused(v.send(http.MethodPost, "/passkey", v.get(text)), http.StatusUnauthorized, row.reason)
				v.Get("/me").Want(t, http.StatusUnauthorized, "")
			})
		})
	}
}

func TestTabsDoNotTouchEachOther(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	var tabs []string
	for range 20 {
		tabs = append(tabs, v.options("/passkey/options"))
	}
	for _, text := range tabs {
		v.send(http.MethodPost, "/passkey", v.get(text)).Want(t, http.StatusOK, "done")
	}
}

func TestOfManyUsesAtOnceOneLogsIn(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	answer := v.get(v.options("/passkey/options"))
	results := make(chan int)
	for range 16 {
		go func() {
			r := v.Twin().Request(http.MethodPost, "/passkey", answer)
			r.Header.Set("Content-Type", "application/json")
			results <- v.Twin().Do(r).StatusCode
		}()
	}
	good := 0
	for range 16 {
		if <-results == http.StatusOK {
			good++
		}
	}
	if good != 1 {
		t.Errorf("got %d log-ins by one answer, want 1", good)
	}
}

// TestNothingIsStoredForVisitors, neither for requests of options nor for invalid answers.
func TestNothingIsStoredForVisitors(t *testing.T) {
	counter := &countingCounter{}
	w := newWorld(t, func(c *passkey.Config[*User]) { c.Once = counter })
	v := w.registered(newAuthenticator(t))
	before := counter.calls
	for range 100 {
		text := v.options("/passkey/options")
		sum := sha256.Sum256([]byte(text))
		v.json = func(m map[string]any) { response(m)["signature"] = b64(sum[:]) }
		v.send(http.MethodPost, "/passkey", v.get(text)).Want(t, http.StatusUnauthorized, "")
	}
	if counter.calls != before {
		t.Errorf("got %d calls of Once by bad answers, want none", counter.calls-before)
	}
}
