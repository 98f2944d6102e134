package session_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

func TestARecordTooLargeIsNotWritten(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	s, err := m.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	was := st.record(id)
	if err := text.Set(s, strings.Repeat("x", session.MaxRecordBytes)); err == nil || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("Set() = %v, want an error that names the limit", err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Error(err)
	}
	if st.record(id) != was {
		t.Error("the record changed")
	}
}

func TestOwnLifetime(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	a := b.Get(path("login 1", "age 2h"))
	if got := a.Header.Get("Set-Cookie"); !strings.Contains(got, "; Expires=") {
		t.Errorf("Set-Cookie %q, want a persistent cookie", got)
	}
	id := st.ids()[0]
	if got := st.ttls[id]; got != 2*time.Hour {
		t.Errorf("ttl %v, want 2h", got)
	}
	if got := st.record(id); !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":7200000,"expires":"2`) {
		t.Errorf("record %s", got)
	}
	a = b.Get(path("age 0", "renew"))
	if got := a.Header.Get("Set-Cookie"); strings.Contains(got, "; Expires=") {
		t.Errorf("Set-Cookie %q, want one that ends with the browser", got)
	}
	if got := st.record(st.ids()[0]); !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":null,"expires":null,`) {
		t.Errorf("record %s", got)
	}
}

// TestAPersistentCookieSaysForHowLong, and until when; with Express's codec only until when, like Express.
func TestAPersistentCookieSaysForHowLong(t *testing.T) {
	for _, row := range []struct {
		name  string
		codec session.Codec
		want  string
	}{
		{"SecureCookie", session.SecureCookie(secret), "Max-Age=2592000; Path=/; Expires=Mon, 31 Jan 2000 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"Express", session.Express(secret), "Path=/; Expires=Mon, 31 Jan 2000 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, newScripted(), func(c *session.Config) { c.Codec, c.Persistent = row.codec, true })
			_, got, _ := strings.Cut(open(t, m).Get(path("login 1")).Header.Get("Set-Cookie"), "; ")
			if got != row.want {
				t.Errorf("%s: attributes %q, want %q", row.name, got, row.want)
			}
		})
	}
}

// TestAValueIsCopied: its buffer belongs to the caller, even while a conflict makes the change run again.
func TestAValueIsCopied(t *testing.T) {
	st := newScripted()
	visitor(t, st, "set a 1")
	m, id := newManager(t, st), st.ids()[0]
	mine, err := m.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	const raw session.Key[json.RawMessage] = "raw"
	buffer := json.RawMessage(`"mine"`)
	if err := errors.Join(raw.Set(mine, buffer), text.Set(other, "x"), other.Save(t.Context())); err != nil {
		t.Fatal(err)
	}
	copy(buffer, `"next"`)
	if err := mine.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := st.record(id); !strings.Contains(got, `"raw":"mine"`) {
		t.Errorf("the record is %s, want the value as it was at Set", got)
	}
}

func TestVary(t *testing.T) {
	for _, row := range []struct{ before, want string }{
		{"", "Cookie"}, {"Accept", "Accept,Cookie"}, {"Accept, cookie", "Accept, cookie"}, {"*", "*"},
	} {
		m := newManager(t, newScripted())
		w := newRecorder()
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if row.before != "" {
				w.Header().Set("Vary", row.before)
			}
			if _, err := session.FromContext(r.Context()); err != nil {
				t.Error(err)
			}
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := strings.Join(w.Header()["Vary"], ","); got != row.want {
			t.Errorf("Vary %q became %q, want %q", row.before, got, row.want)
		}
	}
	w := newRecorder()
	newManager(t, newScripted()).Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Vary"); got != "" {
		t.Errorf("a route that did not use the session has Vary %q", got)
	}
}

// TestHeadersBelongToOneResponse: a middleware that edits one in place does not change those of others.
func TestHeadersBelongToOneResponse(t *testing.T) {
	m := newManager(t, newScripted())
	respond := func() http.Header {
		w := newRecorder()
		app(m).ServeHTTP(w, httptest.NewRequest("GET", path("login 1"), nil))
		return w.Header()
	}
	for _, h := range []http.Header{respond(), respond()} {
		for _, name := range []string{"Vary", "Cache-Control"} {
			lines := h[name]
			if want := map[string]string{"Vary": "Cookie", "Cache-Control": "no-store"}[name]; len(lines) != 1 || lines[0] != want {
				t.Errorf("%s is %q, want %q", name, lines, want)
				continue
			}
			h[name] = append(lines, "more")
			lines[0] = "edited"
		}
	}
}

func TestLogOutThenMore(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1", "set text old")
	was := b.Cookie(cookieName)
	a := b.Get(path("logout", "flash bye"))
	a.Want(t, 200, `"flash":{"info":["bye"]}`)
	if strings.Contains(a.Text, "old") || strings.Contains(a.Text, "passport") {
		t.Errorf("the old session is visible after the log-out: %s", a.Text)
	}
	if b.Cookie(cookieName) == was || b.Cookie(cookieName) == "" || len(st.ids()) != 1 {
		t.Errorf("want one new session, got %d", len(st.ids()))
	}
	b.Get(path("login 2")).Want(t, 200, `"user":2`)
	b.Get(path("logout", "login 3")).Want(t, 200, `"user":3`)
	b.Get(path("slot")).Want(t, 200, `"user":3`)
	if got := len(st.ids()); got != 1 {
		t.Errorf("%d records, want 1", got)
	}
}
