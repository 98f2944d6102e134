package session_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestFirstValueCreatesTheSession(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)

	if a := b.Get(path()); a.StatusCode != 200 || len(a.Header["Set-Cookie"]) != 0 {
		t.Fatalf("an anonymous visit: %d, cookies %q", a.StatusCode, a.Header["Set-Cookie"])
	}
	if got := st.ops(); len(got) != 0 {
		t.Fatalf("an anonymous visit sent %v", got)
	}
	a := b.Get(path("set text hello"))
	a.Want(t, http.StatusOK, `"text":"hello"`)
	if got := a.Header.Get("Set-Cookie"); !strings.HasPrefix(got, cookieName+"=") || !strings.HasSuffix(got, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %q", got)
	}
	if got := strings.Join(st.ops(), " "); got != "Create" {
		t.Errorf("the first value sent %q, want one Create", got)
	}
	if got := st.record(st.ids()[0]); !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":null,"expires":null,"secure":true,"httpOnly":true,"path":"/","sameSite":"lax"},"text":"hello","_go":{"b":`) {
		t.Errorf("record: %s", got)
	}
	b.Get(path()).Want(t, http.StatusOK, `"text":"hello"`)
	if got := strings.Join(st.ops(), " "); got != "Get" {
		t.Errorf("a read sent %q, want one Get", got)
	}
	a = b.Get(path("set text bye", "set other 1"))
	if got := strings.Join(st.ops(), " "); got != "Get Update" {
		t.Errorf("a write sent %q, want Get Update", got)
	}
	if len(a.Header["Set-Cookie"]) != 0 {
		t.Errorf("a write changed the cookie: %q", a.Header["Set-Cookie"])
	}
	b.Get("/public").Want(t, http.StatusOK, "public")
	if got := st.ops(); len(got) != 0 {
		t.Errorf("a route that does not use the session sent %v", got)
	}
}

func TestLogInAndOut(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("set keep 1", "set lose 2"))
	anonymous := st.ids()[0]
	st.ops()
	b.Get(path("login 7")).Want(t, 200, `"passport":{"user":7}}`)
	if got, want := strings.Join(st.ops(), " "), "Get Create AddLabel End"; got != want {
		t.Errorf("log-in over a session sent %q, want %q", got, want)
	}
	if ids := st.ids(); len(ids) != 1 || ids[0] == anonymous {
		t.Fatalf("after log-in there are %d records, the old one among them: %v", len(ids), len(ids) == 1)
	}
	a := b.Get(path("slot"))
	a.Want(t, 200, `"keep":"1"`)
	if strings.Contains(a.Text, "lose") {
		t.Errorf("a value that is not on the keep list was carried: %s", a.Text)
	}
	st.ops()
	a = b.Get(path("logout"))
	if got, want := strings.Join(st.ops(), " "), "Get End RemoveLabel"; got != want {
		t.Errorf("log-out sent %q, want %q", got, want)
	}
	if got := a.Header.Get("Set-Cookie"); !strings.HasPrefix(got, cookieName+"=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure") {
		t.Errorf("log-out's Set-Cookie: %q", got)
	}
	if b.Cookie(cookieName) != "" || len(st.ids()) != 0 {
		t.Errorf("after log-out: cookie %v, %d records", b.Cookie(cookieName) != "", len(st.ids()))
	}
	b.Get(path("slot")).Want(t, 503, "nobody is logged in")
}
