//go:build integration

package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestCertifiedProviderWithACookieJar(t *testing.T) {
	s := newShop(t)
	op := startCertified(t, "0", s.url)
	s.open(op)
	for _, client := range []string{"rsa", "ec", "form", "public"} {
		t.Run(client, func(t *testing.T) {
			p := newPerson(t)
			at, status, page := p.logIn(s, client, "jen")
			if status != http.StatusOK || at.RequestURI() != "/?done" || !strings.Contains(page, "hello jen") {
				t.Fatalf("got %d at %s: %s, want the page that was asked for; log: %s; provider: %s", status, at, page, s.log, op.log)
			}
			id := s.identity()
			if id.Issuer != op.issuer || id.Subject != "jen" || id.Name != "Name of jen" || id.Email != "jen@op.example" || !id.EmailVerified || id.Username != "jen" {
				t.Errorf("got %+v, want Jen", id)
			}
			if id.AuthTime.IsZero() || id.Tokens.Access == "" || strings.Count(id.Tokens.ID, ".") != 2 || (id.SessionID == "") != (client == "public") {
				t.Errorf("got auth_time %v and sid %q, want what the client is registered for", id.AuthTime, id.SessionID)
			}
		})
	}
	t.Run("a second log-in asks nothing", func(t *testing.T) {
		p := newPerson(t)
		p.logIn(s, "rsa", "jen")
		_, _, page := p.get(s.url + "/login/rsa?return_to=/%3Fagain")
		if !strings.Contains(page, "hello jen") {
			t.Errorf("got %s, want Jen at once", page)
		}
	})
	t.Run("the user says no", func(t *testing.T) {
		p := newPerson(t)
		at, _, page := p.get(s.url + "/login/rsa")
		_, status, _ := p.submit(at, page, "answer", "no")
		if status != http.StatusUnauthorized || !strings.Contains(s.log.String(), "answered access_denied") {
			t.Errorf("got %d, want 401 and the reason; log: %s", status, s.log)
		}
		p.want(s, "nobody")
	})
	t.Run("a replayed callback", func(t *testing.T) {
		p := newPerson(t)
		var callback string
		p.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/callback/") {
				callback = r.URL.String()
			}
			return nil
		}
		p.logIn(s, "rsa", "jen")
		thief := newPerson(t)
		if _, status, _ := thief.get(callback); status != http.StatusUnauthorized {
			t.Errorf("got %d for a replay, want 401", status)
		}
		thief.want(s, "nobody")
		if at, status, page := p.get(callback); status != http.StatusOK || at.Path != "/" || !strings.Contains(page, "hello jen") {
			t.Errorf("got %d at %s, %s for the user who is logged in, want the page that a log-in leads to", status, at, page)
		}
	})
	t.Run("an injected code", func(t *testing.T) {
		stolen := newPerson(t)
		var in url.Values
		stolen.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/callback/") {
				in = r.URL.Query()
				return http.ErrUseLastResponse // the code never reaches the application
			}
			return nil
		}
		stolen.logIn(s, "rsa", "jen")
		attacker := newPerson(t)
		attacker.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/callback/") {
				q := r.URL.Query()
				q.Set("code", in.Get("code"))
				r.URL.RawQuery = q.Encode()
			}
			return nil
		}
		if _, status, _ := attacker.logIn(s, "rsa", "mallory"); status != http.StatusUnauthorized {
			t.Errorf("got %d, want 401", status)
		}
		attacker.want(s, "nobody")
		if !strings.Contains(s.log.String(), "invalid_grant") {
			t.Errorf("got the log %s, want the provider's invalid_grant", s.log)
		}
	})
}

func TestCertifiedProviderLogsOut(t *testing.T) {
	s := newShop(t)
	op := startCertified(t, "0", s.url)
	s.open(op)
	for _, client := range []string{"rsa", "public"} { // log-out tokens with sid, and with sub
		t.Run("back-channel for "+client, func(t *testing.T) {
			p, other := newPerson(t), newPerson(t)
			p.logIn(s, client, "jen")
			other.logIn(s, client, "joe")
			p.want(s, "jen")
			// A log-out at the provider itself, as if another application had asked for it.
			at, _, page := p.get(op.issuer + "/session/end?client_id=" + client)
			p.submit(at, page, "logout", "yes")
			p.want(s, "nobody")
			other.want(s, "joe")
		})
	}
	t.Run("from here to there and back", func(t *testing.T) {
		p := newPerson(t)
		p.logIn(s, "rsa", "jen")
		r, err := p.client.PostForm(s.url+"/logout/rsa", nil)
		at, _, page := p.read(r, err)
		at, status, page := p.submit(at, page, "logout", "yes")
		if status != http.StatusOK || at.String() != s.url+"/" || !strings.Contains(page, "hello nobody") {
			t.Errorf("got %d at %s: %s, want the application, with nobody logged in", status, at, page)
		}
		if _, _, page := p.get(s.url + "/login/rsa"); !strings.Contains(page, `name="login"`) {
			t.Errorf("got %s, want the provider to ask again", page)
		}
	})
	if text := op.log.String(); strings.Contains(text, "error") {
		t.Errorf("the provider complains: %s", text)
	}
}

func TestCertifiedProviderGoesAndComesBackWithNewKeys(t *testing.T) {
	s := newShop(t)
	op := startCertified(t, "0", s.url)
	s.open(op)
	before := newPerson(t)
	before.logIn(s, "rsa", "jen")
	before.want(s, "jen")

	late := newPerson(t)
	late.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/callback/") {
			op.stop() // after the user logged in there, before the code is redeemed
		}
		return nil
	}
	if _, status, _ := late.logIn(s, "rsa", "joe"); status != http.StatusServiceUnavailable {
		t.Errorf("got %d while the provider is down, want 503; log: %s", status, s.log)
	}
	late.want(s, "nobody")
	before.want(s, "jen")

	_, port, _ := strings.Cut(strings.TrimPrefix(op.issuer, "http://"), ":")
	startCertified(t, port, s.url)
	after := newPerson(t)
	after.logIn(s, "rsa", "joe")
	after.want(s, "joe")
}
