package live

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// peer is the URL of an application. All are on one host, so that a browser sends the same cookies to each,
// as behind a proxy that distributes the routes.
type peer string

// visitor is a browser with a cookie jar. Its requests are like those of fetch in a page of the same
// origin.
type visitor struct {
	t      *testing.T
	jar    *cookiejar.Jar
	client *http.Client
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, jar, &http.Client{Jar: jar}}
}

var host = &url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/"}

// twin returns another browser with a copy of the current cookies.
func (v *visitor) twin() *visitor {
	v.t.Helper()
	w := newVisitor(v.t)
	w.jar.SetCookies(host, v.jar.Cookies(host))
	return w
}

func (v *visitor) cookie(name string) string { //nolint:unparam // it reads better with the name
	for _, c := range v.jar.Cookies(host) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	text string
}

// do sends a request; body is sent as JSON unless it is nil.
func (v *visitor) do(method string, p peer, path string, body any) answer {
	v.t.Helper()
	a, err := v.try(method, p, path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// try is do for goroutines other than the test's.
func (v *visitor) try(method string, p peer, path string, body any) (answer, error) {
	var text bytes.Buffer
	if body != nil {
		plain := json.NewEncoder(&text)
		plain.SetEscapeHTML(false) // as JSON.stringify
		if err := plain.Encode(body); err != nil {
			return answer{}, err
		}
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, string(p)+path, &text)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := v.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b)}, err
}

func (v *visitor) get(p peer, path string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, p, path, nil)
}

func (v *visitor) post(p peer, path string, body any) answer {
	v.t.Helper()
	return v.do(http.MethodPost, p, path, body)
}

// want fails the test unless the answer is in the 200s and its text is want.
func (a answer) want(t *testing.T, what, want string) {
	t.Helper()
	if got := strings.TrimSpace(a.text); a.StatusCode/100 != 2 || got != want {
		t.Fatalf("%s: got %d %s, want %s", what, a.StatusCode, got, want)
	}
}

// ok fails the test unless the answer is in the 200s.
func (a answer) ok(t *testing.T, what string) answer {
	t.Helper()
	if a.StatusCode/100 != 2 {
		t.Fatalf("%s: got %d %s", what, a.StatusCode, a.text)
	}
	return a
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

var (
	joe = credentials{"joefoo@test.com", "Passw0rd!"}
	jen = credentials{"jenbar@test.com", "P4ssword!"}
)

func (v *visitor) logIn(p peer, who credentials) answer {
	v.t.Helper()
	return v.post(p, "/auth/login", who).ok(v.t, "log in")
}

func (v *visitor) logOut(p peer) {
	v.t.Helper()
	v.post(p, "/auth/logout", nil).ok(v.t, "log out")
}

// isUser checks the visitor's user in an application: id is the JSON of passport.user.
func (v *visitor) isUser(p peer, who, id string) {
	v.t.Helper()
	v.get(p, "/protected").want(v.t, who+": protected", `"You can only see this if you are authenticated"`)
	v.get(p, "/whoami").want(v.t, who+": whoami", id)
}

func (v *visitor) isNobody(p peer, who string) {
	v.t.Helper()
	if a := v.get(p, "/protected"); a.StatusCode != http.StatusUnauthorized {
		v.t.Fatalf("%s: got %d %s, want 401", who, a.StatusCode, a.text)
	}
}
