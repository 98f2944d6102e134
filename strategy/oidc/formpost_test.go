package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

func formPost(c *oidc.Config) { c.FormPost = true }

// post sends the provider's answer as a form on the provider's page does: the browser adds no SameSite=Lax
// cookies.
func post(b *browser.Browser, in url.Values) browser.Answer {
	r := b.Request(http.MethodPost, "/login/op/callback", in.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", issuer)
	r.Header.Del("Cookie")
	return b.Do(r)
}

func TestAPostedAnswerLogsIn(t *testing.T) {
	w := newWorld(t, formPost)
	b := w.open()
	location := w.begin(b)
	if !strings.Contains(location, "response_mode=form_post") {
		t.Errorf("got %q, want response_mode=form_post in it", location)
	}
	in := w.op.authorize(location)
	in.Set("user", `{"name":{"firstName":"Jen"}}`)
	a := post(b, in)
	a.Want(t, http.StatusSeeOther, "")
	onward := a.Header.Get("Location")
	if !strings.HasPrefix(onward, callback+"?sealed=") {
		t.Fatalf("got sent to %q, want the callback", onward)
	}
	for _, secret := range []string{in.Get("code"), in.Get("state"), "firstName"} {
		if strings.Contains(onward, url.QueryEscape(secret)) {
			t.Errorf("the redirect has %q in it", secret)
		}
	}
	b.Get(strings.TrimPrefix(onward, "https://app.example")).Want(t, http.StatusSeeOther, "")
	b.Get("/me").Want(t, http.StatusOK, "hello")
	if got := w.identity().Posted; got != in.Get("user") {
		t.Errorf("got the posted user %q, want %q", got, in.Get("user"))
	}
}

func TestAPostedAnswerIsBoundLikeAnyOther(t *testing.T) {
	w := newWorld(t, formPost)
	attacker, victim := w.open(), w.open()
	onward := post(attacker, w.op.authorize(w.begin(attacker))).Header.Get("Location")
	path := strings.TrimPrefix(onward, "https://app.example")
	w.refused(victim, victim.Get(path), http.StatusUnauthorized, "no log-in under way")
	// Each bit of this letter counts. The last one before the padding has two that do not.
	at, letter := len(path)-10, "A"
	if path[at] == 'A' {
		letter = "B"
	}
	w.refused(victim, victim.Get(path[:at]+letter+path[at+1:]), http.StatusUnauthorized, "cannot be read")
	other := newWorld(t, formPost, func(c *oidc.Config) { c.ClientID = "another" })
	other.refused(victim, other.open().Get(path), http.StatusUnauthorized, "cannot be read")
}

func TestAPostedAnswerIsKeptForALogInOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, formPost)
		b := w.open()
		onward := post(b, w.op.authorize(w.begin(b))).Header.Get("Location")
		time.Sleep(11 * time.Minute)
		w.refused(b, b.Get(strings.TrimPrefix(onward, "https://app.example")), http.StatusUnauthorized, "too old")
	})
}

func TestPostsThatAreNoAnswer(t *testing.T) {
	for _, row := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"not a callback", "application/x-www-form-urlencoded", "email=a", http.StatusForbidden},
		{"no state", "application/x-www-form-urlencoded", "code=a", http.StatusForbidden},
		{"two states", "application/x-www-form-urlencoded", "code=a&state=b&state=c", http.StatusForbidden},
		{"JSON", "application/json", `{"code":"a","state":"b"}`, http.StatusForbidden},
		{"no type", "", "code=a&state=b", http.StatusForbidden},
		{"too large", "application/x-www-form-urlencoded", "state=b&code=" + strings.Repeat("x", 70<<10), http.StatusForbidden},
		{"too large to be carried on", "application/x-www-form-urlencoded", "state=b&code=" + strings.Repeat("x", 20<<10), http.StatusBadRequest},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, formPost)
			b := w.open()
			r := b.Request(http.MethodPost, "/login/op/callback", row.body)
			r.Header.Set("Content-Type", row.contentType)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			b.Do(r).Want(t, row.status, "")
		})
	}
	t.Run("too large, of unknown length", func(t *testing.T) {
		w := newWorld(t, formPost)
		r := w.open().Request(http.MethodPost, "/login/op/callback", "state=b&x="+strings.Repeat("x", 70<<10)+"&code=a")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.ContentLength = -1
		w.open().Do(r).Want(t, http.StatusForbidden, "")
	})
	t.Run("an answer where none is asked for by a form", func(t *testing.T) {
		w := newWorld(t)
		b := w.open()
		post(b, w.op.authorize(w.begin(b))).Want(t, http.StatusForbidden, "")
	})
}

func TestOnlyCallbacksMayComeFromOtherSites(t *testing.T) {
	w := newWorld(t)
	for target, want := range map[string]bool{
		"/login/op":                          false,
		"/login/op?return_to=/x":             false,
		"/login/op/callback?code=a":          false,
		"/login/op/callback?code=a&state=b":  true,
		"/login/op/callback?error=a&state=b": true,
	} {
		if got := w.strategy.AllowCrossSite(w.open().Request(http.MethodPost, target, "")); got != want {
			t.Errorf("got AllowCrossSite %v for %s, want %v", got, target, want)
		}
	}
}
