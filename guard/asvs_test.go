package guard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// TestASVS_8_3_2_ARightThatIsTakenAwayIsGoneAtOnce: the session keeps the user's id, not their rights.
func TestASVS_8_3_2_ARightThatIsTakenAwayIsGoneAtOnce(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/admin", w.Require(func(_ *http.Request, u *User) error {
		if !u.Admin {
			return guard.ErrForbidden
		}
		return nil
	})(w.hello()))
	jen, joe := w.loggedIn("jen@test.com"), w.loggedIn("joe@test.com")
	jen.Get("/admin").Want(t, 200, "hello jen")
	joe.Get("/admin").Want(t, 403, "")
	w.table.set(User{ID: 2, Email: "jen@test.com", Pass: password})
	w.table.set(User{ID: 1, Email: "joe@test.com", Pass: password, Admin: true})
	jen.Get("/admin").Want(t, 403, "")
	joe.Get("/admin").Want(t, 200, "hello joe")
}

// TestASVS_3_5_2_NoContentTypeExcusesAnotherSite: a guard does not rely on the preflight that browsers send
// before JSON of another site.
func TestASVS_3_5_2_NoContentTypeExcusesAnotherSite(t *testing.T) {
	const body = `{"email":"joe@test.com","password":"` + password + `"}`
	for _, contentType := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", ""} {
		for _, path := range []string{"/me", "/logout", "/login"} {
			w := newWorld(t)
			b := w.loggedIn("joe@test.com")
			r := b.Request("POST", path, body)
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("X-Requested-With", "XMLHttpRequest")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "https://evil.example")
			b.Do(r).Want(t, 403, "Forbidden")
			b.Get("/me").Want(t, 200, "hello joe")
		}
	}
}

// TestASVS_3_4_6_RefusalsAreNeitherFramedNorSniffed, in either form.
func TestASVS_3_4_6_RefusalsAreNeitherFramedNorSniffed(t *testing.T) {
	w := newWorld(t)
	for accept, want := range map[string]string{"text/html": "text/html; charset=utf-8", "application/json": "application/problem+json"} {
		b := w.open()
		r := b.Request("GET", "/me", "")
		r.Header.Set("Accept", accept)
		a := b.Do(r)
		a.Want(t, 401, "")
		h := a.Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != want {
			t.Errorf("%s: got type %q and options %q, want %q and nosniff", accept, h.Get("Content-Type"), h.Get("X-Content-Type-Options"), want)
		}
		if policy := h.Get("Content-Security-Policy"); accept == "text/html" && policy != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("got policy %q, want nothing loaded and no frame", policy)
		}
	}
}

// TestNothingOfTheUsersTableIsInTheRecord: no password, no hash and no address.
func TestNothingOfTheUsersTableIsInTheRecord(t *testing.T) {
	w := newWorld(t)
	w.loggedIn("joe@test.com")
	records := 0
	for r, err := range w.store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		records++
		for _, private := range []string{password, "joe@test.com", secret} {
			if strings.Contains(string(r.Data), private) {
				t.Errorf("%q is in the record %s", private, r.Data)
			}
		}
	}
	if records != 1 {
		t.Errorf("got %d records, want 1", records)
	}
}
