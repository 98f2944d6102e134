package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/oidc"
)

func TestLogInFromStartToFinish(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	location := w.begin(b)
	q, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "shop", "redirect_uri": callback, "scope": "openid", "code_challenge_method": "S256", "response_mode": "",
	} {
		if got := q.Query().Get(name); got != want {
			t.Errorf("got %s %q in the authorization request, want %q", name, got, want)
		}
	}
	a := w.finish(b, w.op.authorize(location))
	a.Want(t, http.StatusSeeOther, "")
	if got := a.Header.Get("Location"); got != "/me" {
		t.Errorf("got sent to %q, want /me", got)
	}
	b.Get("/me").Want(t, http.StatusOK, "hello "+issuer+" "+subject)
	id := w.identity()
	if id.Issuer != issuer || id.Subject != subject || id.Name != "Jen" || id.SessionID != "sid-1" || id.EmailVerified || id.Email != "jen@op.example" {
		t.Errorf("got the identity %+v, want that of the ID token", id)
	}
	if id.Tokens.Access != "access-1" || id.Tokens.Refresh != "refresh-1" || strings.Count(id.Tokens.ID, ".") != 2 || len(id.Tokens.Scopes) != 2 {
		t.Error("validate did not get the tokens")
	}
}

func TestStartingALogInWritesNothingToTheStore(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	w.begin(b)
	if b.Cookie("__Host-sid") != "" {
		t.Error("the start of a log-in made a session")
	}
	if got := flowCookies(b); len(got) != 1 {
		t.Errorf("got the cookies %v, want one flow", got)
	}
}

func TestTheFlowCookieIsHostOnlySecureAndSealed(t *testing.T) {
	w := newWorld(t)
	a := w.open().Get("/login/op")
	cookies := a.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("got %d cookies, want 1", len(cookies))
	}
	c := cookies[0]
	if !strings.HasPrefix(c.Name, "__Host-oidc.op.") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
		t.Errorf("got the cookie %v, want __Host-oidc.op.…, Secure, HttpOnly, Lax, ten minutes", c)
	}
	q, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"state", "nonce", "code_challenge"} {
		if v := q.Query().Get(secret); v == "" || strings.Contains(c.Value, v) {
			t.Errorf("the %s %q is missing or readable in the cookie", secret, v)
		}
	}
}

func TestEachLogInHasValuesOfItsOwn(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for range 20 {
		q, err := url.Parse(w.begin(w.open()))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			v := q.Query().Get(name)
			if len(v) < 22 || seen[v] { // 22 characters of base64 hold 128 bits
				t.Errorf("got %s %q, want at least 22 characters that were never used", name, v)
			}
			seen[v] = true
		}
	}
}

func TestLogInsInSeveralTabsDoNotTouchEachOther(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	first, second := w.begin(b), w.begin(b)
	w.finish(b, w.op.authorize(second)).Want(t, http.StatusSeeOther, "")
	w.finish(b, w.op.authorize(first)).Want(t, http.StatusSeeOther, "")
	if got := flowCookies(b); len(got) != 0 {
		t.Errorf("got the cookies %v after both log-ins, want none", got)
	}
}

func TestABrowserHasFiveLogInsUnderWayAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.open()
		var locations []string
		for range 8 {
			locations = append(locations, w.begin(b))
			time.Sleep(time.Second)
		}
		if got := flowCookies(b); len(got) != 5 {
			t.Fatalf("got %d flows, want 5", len(got))
		}
		w.refused(b, w.finish(b, w.op.authorize(locations[2])), http.StatusUnauthorized, "no log-in under way")
		w.finish(b, w.op.authorize(locations[3])).Want(t, http.StatusSeeOther, "")
	})
}

func TestFlowsThatCannotBeReadMakeRoom(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	for _, name := range []string{"a", "b", "c"} {
		b.SetCookie("__Host-oidc.op."+name, "garbage")
	}
	b.SetCookie("__Host-oidc.op2.x", "another strategy's")
	w.begin(b)
	if got := flowCookies(b); len(got) != 2 {
		t.Errorf("got the cookies %v, want the new flow and the other strategy's", got)
	}
}

func TestALogInThatTakesTooLongIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.open()
		in := w.op.authorize(w.begin(b))
		name := flowCookies(b)[0]
		value := b.Cookie(name)
		time.Sleep(10*time.Minute + time.Second)
		b.SetCookie(name, value) // a browser that keeps expired cookies
		w.refused(b, w.finish(b, in), http.StatusUnauthorized, "no log-in under way")
	})
}

func TestReturnToComesBackWithTheUser(t *testing.T) {
	for _, row := range []struct{ name, asked, want string }{
		{"a path of this site", "/cart?item=1", "/cart?item=1"},
		{"another site", "https://evil.example/", "/me"},
		{"another site without a scheme", "//evil.example", "/me"},
		{"a backslash", `/\evil.example`, "/me"},
		{"one that is too long", "/" + strings.Repeat("a", 600), "/me"},
		{"none", "", "/me"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.open()
			a := b.Get("/login/op?return_to=" + url.QueryEscape(row.asked))
			if strings.Contains(a.Header.Get("Location"), "evil") {
				t.Error("the provider learns where the user wants to go")
			}
			a = w.finish(b, w.op.authorize(a.Header.Get("Location")))
			if got := a.Header.Get("Location"); got != row.want {
				t.Errorf("got sent to %q, want %q", got, row.want)
			}
		})
	}
}

func TestReturnToOfAPostedFormCounts(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	w.mux.Handle("POST /start", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.auth.Authenticate("op")(http.NotFoundHandler()).ServeHTTP(rw, r)
	}))
	a := b.Post("/start", "return_to", "/cart")
	a = w.finish(b, w.op.authorize(a.Header.Get("Location")))
	if got := a.Header.Get("Location"); got != "/cart" {
		t.Errorf("got sent to %q, want /cart", got)
	}
}

func TestAuthParamsReachTheProvider(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) {
		c.AuthParams = map[string]string{"prompt": "consent", "login_hint": "jen@test.com"}
		c.MaxAge, c.ACRValues, c.Scopes = time.Hour, []string{"gold", "silver"}, []string{"email", "openid"}
	})
	q, err := url.Parse(w.begin(w.open()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"prompt": "consent", "login_hint": "jen@test.com", "max_age": "3600", "acr_values": "gold silver", "scope": "email openid"} {
		if got := q.Query().Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
}

func TestSecretsAreRotated(t *testing.T) {
	op := newProvider(t, issuer)
	old := newWorld(t, func(c *oidc.Config) { c.CookieSecrets = []string{"an older secret of 32 bytes or more"} })
	w := newWorld(t, func(c *oidc.Config) {
		c.CookieSecrets = []string{cookieSecret, "an older secret of 32 bytes or more"}
		c.HTTPClient = &http.Client{Transport: op}
	})
	w.op = op
	b := old.open()
	in := op.authorize(old.begin(b))
	moved := w.open()
	for _, name := range flowCookies(b) {
		moved.SetCookie(name, b.Cookie(name))
	}
	w.finish(moved, in).Want(t, http.StatusSeeOther, "")
}

func TestInsecureHTTPLeavesOutWhatPlainHTTPCannotHave(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) { c.InsecureHTTP, c.RedirectURL = true, "http://127.0.0.1:3000/cb" })
	c := w.open().Get("/login/op").Cookies()[0]
	if c.Secure || !strings.HasPrefix(c.Name, "oidc.op.") || !c.HttpOnly {
		t.Errorf("got the cookie %v, want one without Secure and __Host-", c)
	}
}

// TestAnUpstreamDoesNotGetTheFlows: their cookies tell where a visitor came from, and a cookie that an
// upstream sets would count as a flow.
func TestAnUpstreamDoesNotGetTheFlows(t *testing.T) {
	w := newWorld(t)
	var got []string
	upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header["Cookie"]
		rw.Header().Set("Set-Cookie", "__Host-oidc.op.0123456789abcdef=evil; Path=/; Secure")
	}))
	t.Cleanup(upstream.Close)
	b := w.open()
	w.begin(b)
	w.begin(b)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, upstream.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Request(http.MethodGet, "/", "").Cookies() {
		r.AddCookie(c)
	}
	res, err := w.auth.ProxyTransport(nil).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if set := res.Header["Set-Cookie"]; len(flowCookies(b)) != 2 || got != nil || set != nil {
		t.Errorf("of %q the upstream got %q, and it set %q; want 2, none and none", flowCookies(b), got, set)
	}
}
