package guard_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// wantNoSecretLogged is called at the end of every test that has a world: neither its log, which is at
// debug level, nor its events contain a secret.
func (w *world) wantNoSecretLogged() {
	for _, known := range w.leaks() {
		w.t.Errorf("the secret %q is in the log or in an event:\n%s", known, w.logged())
	}
}

// leaks returns the secrets of the test that are in its log or events: the password, the cookie secret, the
// ids of all sessions, the values of all cookies, the credentials in Authorization headers, and those that
// the test added by hide.
func (w *world) leaks() (found []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	all.WriteString(w.log.String())
	for _, e := range w.heard {
		text, err := json.Marshal(e)
		if err != nil {
			w.t.Errorf("event %s: %v", e.Name, err)
		}
		fmt.Fprintf(&all, "%s %v\n", text, e.Err)
	}
	text := all.String()
	for _, known := range slices.Concat([]string{password, secret}, w.store.ids, w.hidden) {
		if strings.Contains(text, known) {
			found = append(found, known)
		}
	}
	return found
}

// watched returns the application; it records the cookies and credentials of requests and responses.
func (w *world) watched() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, credential, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
			w.hide(credential)
		}
		for _, c := range r.Cookies() {
			w.hide(c.Value)
		}
		defer func() {
			for _, line := range rw.Header()["Set-Cookie"] {
				if c, err := http.ParseSetCookie(line); err == nil {
					w.hide(c.Value)
				}
			}
		}()
		w.mux.ServeHTTP(rw, r)
	})
}

// hide adds a secret. Short texts are left out, because they may be in a log by chance.
func (w *world) hide(value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(value) >= 12 && !slices.Contains(w.hidden, value) {
		w.hidden = append(w.hidden, value)
	}
}

// TestTheSearchForSecretsFindsEach of them, in the log and in events: otherwise the check at the end of the
// other tests would prove nothing.
func TestTheSearchForSecretsFindsEach(t *testing.T) {
	w := newRememberWorld(t)
	w.mux.Handle("/api", w.Authenticate("token")(w.hello()))
	b := w.remembered("joe@test.com")
	r := b.Request("GET", "/api", "")
	r.Header.Set("Authorization", "Bearer a-token-that-is-secret")
	b.Do(r)
	if got := w.leaks(); got != nil {
		t.Fatalf("got %q before anything leaked, want none", got)
	}
	series, token, _ := strings.Cut(b.Cookie(rememberCookie), ".")
	token, _, _ = strings.Cut(token, ".") // and the signature
	for name, secret := range map[string]string{
		"the password": password, "the cookie secret": secret, "the session's id": w.store.ids[0], "the session's cookie": b.Cookie(sid),
		"the cookie that remembers": b.Cookie(rememberCookie), "its series": series, "its token": token, "the bearer token": "a-token-that-is-secret",
	} {
		if secret == "" {
			t.Errorf("%s: there is none", name)
		}
		w.logger().Debug("x", "value", secret)
		if got := w.leaks(); !slices.Contains(got, secret) {
			t.Errorf("%s in the log: got %q, want it found", name, got)
		}
		w.log.Reset()
		for _, e := range []guard.Event{{Session: secret}, {Reason: "x " + secret}, {Err: fmt.Errorf("wrapped: %s", secret)}} {
			before := w.heard
			w.note(t.Context(), e)
			if got := w.leaks(); !slices.Contains(got, secret) {
				t.Errorf("%s in the event %+v: got %q, want it found", name, e, got)
			}
			w.heard = before
		}
	}
}
