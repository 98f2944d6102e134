package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// visit opens path as a browser does that comes from another page. header is pairs of name and value.
func visit(b *browser.Browser, method, path string, header ...string) browser.Answer {
	r := b.Request(method, path, "")
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.Do(r)
}

// TestASVS_7_6_2_ALogInStartsWithAnActionOfTheUser: on a page of the application, or in the address bar.
// TestASVS_3_5_3_… below: a change needs a POST, or a GET whose Sec-Fetch headers show where it comes from.
func TestASVS_7_6_2_ALogInStartsWithAnActionOfTheUser(t *testing.T) {
	for _, row := range []struct {
		name   string
		method string
		header []string
		logIn  int // the status of the start of a log-in
		link   int // the status of linking an account
	}{
		{"a page of ours", "GET", []string{"Sec-Fetch-Site", "same-origin"}, 303, 303},
		{"a form on a page of ours", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://app.example"}, 303, 303},
		{"typed, a bookmark, or another program", "GET", []string{"Sec-Fetch-Site", "none"}, 303, 403},
		{"another site", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"another site, by HEAD", "HEAD", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"a form on another site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, 403},
		{"another host of the same site", "GET", []string{"Sec-Fetch-Site", "same-site"}, 403, 403},
		{"what no browser says", "GET", []string{"Sec-Fetch-Site", "Same-Origin"}, 403, 403},
		{"an old browser, on a page of ours", "GET", []string{"Referer", "https://APP.example/settings"}, 303, 303},
		{"an old browser, on another site", "GET", []string{"Referer", "https://evil.example/?https://app.example/"}, 403, 403},
		{"an old browser, on a page without a host", "GET", []string{"Referer", "about:blank"}, 403, 403},
		{"an old browser that does not say", "GET", nil, 303, 403},
	} {
		w := newWorld(t)
		linkable(t, w)
		b := w.loggedIn()
		if a := visit(w.open(), row.method, "/login/op?return_to=/admin", row.header...); a.StatusCode != row.logIn {
			t.Errorf("%s: a log-in starts with %d, want %d", row.name, a.StatusCode, row.logIn)
		} else if began := strings.HasPrefix(a.Header.Get("Location"), issuer); began != (row.logIn == 303) {
			t.Errorf("%s: a log-in begins: %t", row.name, began)
		}
		a := visit(b, row.method, "/link/hub", row.header...)
		if a.StatusCode != row.link {
			t.Errorf("%s: linking starts with %d, want %d", row.name, a.StatusCode, row.link)
		}
		if row.link == 403 && len(a.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: a flow began, %v", row.name, a.Header)
		}
	}
}

// TestASVS_3_5_3_AnotherSiteStartsNothingByGET: a page of ours asks the user, who goes on by a link on it.
func TestASVS_3_5_3_AnotherSiteStartsNothingByGET(t *testing.T) {
	w := newWorld(t)
	op, linked := linkable(t, w)
	for _, path := range []string{"/login/op?return_to=/admin", "/link/hub"} {
		b := w.loggedIn()
		a := visit(b, "GET", path, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
		a.Want(t, http.StatusForbidden, `<a href="`+path+`">Go on</a>`)
		if a.Header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" || strings.Contains(a.Text, "refresh") {
			t.Errorf("%s: got %v, %s, want a page that no frame shows and that stays", path, a.Header, a.Text)
		}
		if a := visit(b, "GET", path, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"); strings.Contains(a.Text, "Go on") {
			t.Errorf("%s: an image gets the page that asks: %s", path, a.Text)
		}
		if len(flowCookies(b)) != 0 {
			t.Errorf("%s: a flow began", path)
		}
		visit(b, "GET", path, "Sec-Fetch-Site", "same-origin").Want(t, http.StatusSeeOther, "")
	}
	// The attacker's answer does not work either: the victim's browser has not begun a log-in.
	victim, attacker := w.loggedIn(), w.loggedIn()
	in := op.authorize(attacker.Post("/link/hub").Header.Get("Location"))
	victim.Get("/link/hub?"+in.Encode()).Want(t, http.StatusUnauthorized, "")
	if len(linked) != 0 {
		t.Errorf("linked %v", linked)
	}
	if log := w.logged(); !strings.Contains(log, "malicious_cors") {
		t.Errorf("the log has no line about the other site: %s", log)
	}
}

// A page that requires a recent log-in sets max_age, which is sent to the provider.
func TestOIDCCore_3_1_2_1_AFreshLogInIsAskedForAsFreshAsItHasToBe(t *testing.T) {
	for _, row := range []struct {
		name, param string
		configured  time.Duration
		want        string // the max_age of the authorization request
	}{
		{"nothing asked for", "", 0, ""},
		{"asked for", "300", 0, "300"},
		{"less than configured", "300", time.Hour, "300"},
		{"more than configured", "7200", time.Hour, "3600"},
		{"none", "0", time.Hour, "3600"},
		{"negative", "-1", 0, ""},
		{"no number", "300s", 0, ""},
		{"more than fits", "99999999999999999999", time.Hour, "3600"},
	} {
		w := newWorld(t, func(c *oidc.Config) { c.MaxAge = row.configured })
		u, err := url.Parse(w.open().Get("/login/op?max_age=" + row.param).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Query().Get("max_age"); got != row.want {
			t.Errorf("%s: the provider is asked for max_age %q, want %q", row.name, got, row.want)
		}
	}
	// The answer is checked against the max_age that was sent.
	w := newWorld(t)
	b := w.open()
	w.op.claims = func(c map[string]any) { c["auth_time"] = time.Now().Add(-time.Hour).Unix() }
	in := w.op.authorize(b.Get("/login/op?max_age=300").Header.Get("Location"))
	w.refused(b, w.finish(b, in), http.StatusUnauthorized, "too long ago")
}
