package main_test

import (
	"encoding/base32"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// codeOf is the authenticator app of the otpauth address.
func codeOf(t testing.TB, address string, at time.Time) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	phone, err := totp.NewCodes(totp.CodesConfig{Cells: memory.Cells, Issuer: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	return phone.Code(key, at)
}

// setUp has v, who is logged in, set up an authenticator app, and returns it.
func setUp(t testing.TB, v *visitor) (url string, recovery []string) {
	t.Helper()
	answer := v.post("/auth/totp/new")
	answer.want(t, http.StatusCreated, "otpauth://totp/")
	var app struct {
		URL           string   `json:"url"`
		RecoveryCodes []string `json:"recoveryCodes"`
	}
	if err := json.Unmarshal([]byte(answer.body), &app); err != nil || len(app.RecoveryCodes) != 10 {
		t.Fatalf("got %s and %v, want an address and ten codes", answer.body, err)
	}
	v.get("/protected").want(t, http.StatusOK, "") // nothing counts yet
	v.post("/auth/totp", "code", codeOf(t, app.URL, time.Now())).want(t, http.StatusUnauthorized, "")
	v.post("/auth/totp/confirm", "code", strings.ToUpper(app.RecoveryCodes[0])).want(t, http.StatusUnauthorized, "")
	v.post("/auth/totp/confirm", "code", codeOf(t, app.URL, time.Now())).want(t, http.StatusOK, "is set up")
	return app.URL, app.RecoveryCodes
}

func TestASecondFactorOpensTheVault(t *testing.T) {
	p := start(t, "-totp")
	v, other := p.visitor(), p.visitor()
	v.get("/vault").want(t, http.StatusUnauthorized, "")
	v.post("/auth/totp/new").want(t, http.StatusUnauthorized, "")
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	v.get("/vault").want(t, http.StatusUnauthorized, "")
	v.post("/auth/totp", "code", "123456").want(t, http.StatusUnauthorized, "")
	url, recovery := setUp(t, v)
	v.get("/vault").want(t, http.StatusOK, "second factor")

	// The password alone opens nothing elsewhere, and does not replace the app.
	other.logIn(joe, joesPass).want(t, http.StatusUnauthorized, "")
	other.get("/protected").want(t, http.StatusUnauthorized, "")
	other.get("/vault").want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp/new").want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp/confirm", "code", codeOf(t, url, time.Now())).want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp", "code", strings.ToUpper(recovery[3])).want(t, http.StatusOK, "second factor")
	other.get("/protected").want(t, http.StatusOK, "")
	other.get("/vault").want(t, http.StatusOK, "second factor")
	v.post("/auth/totp", "code", strings.ToUpper(recovery[3])).want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp/new").want(t, http.StatusCreated, "otpauth://totp/")
}

// TestNoRouteHasAHole: each route of the sources, as nobody, with the password of a user who
// has an authenticator app, and as a user who is logged in.
func TestNoRouteHasAHole(t *testing.T) {
	p := start(t, "-totp")
	nobody, pending, user := p.visitor(), p.visitor(), p.visitor()
	user.logIn(joe, joesPass).want(t, http.StatusOK, "")
	setUp(t, user)
	pending.logIn(joe, joesPass).want(t, http.StatusUnauthorized, `"factor":"totp"`)
	routes := []struct {
		route                 string
		nobody, pending, user int
	}{
		{"GET /", 200, 200, 200},
		{"GET /protected", 401, 401, 200},
		{"GET /whoami", 401, 401, 200},
		{"GET /vault", 401, 401, 200},
		{"GET /live", 401, 401, 0},             // a stream, which listen begins
		{"GET /bound", 404, 404, 404},          // TestDeviceBoundBindsSessions has the flag
		{"POST /auth/register", 400, 400, 400}, // an empty body
		{"POST /auth/totp/new", 401, 401, 201},
		{"POST /auth/totp/confirm", 401, 401, 400}, // no code
		{"POST /auth/totp", 400, 400, 400},         // no code
		{"POST /auth/login", 400, 400, 400},        // an empty body
		{"POST /auth/logout", 200, 200, 200},
	}
	var walked []string
	for _, row := range routes {
		walked = append(walked, row.route)
		method, path, _ := strings.Cut(row.route, " ")
		for _, as := range []struct {
			who  string
			v    *visitor
			want int
		}{{"nobody", nobody, row.nobody}, {"pending", pending, row.pending}, {"a user", user, row.user}} {
			if as.want == 0 {
				as.v.listen(p)
				continue
			}
			got := as.v.do(method, path, form, "")
			if got.status != as.want || as.want == 401 && strings.Contains(got.body, joe) {
				t.Errorf("%s as %s: got %d %s, want %d", row.route, as.who, got.status, got.body, as.want)
			}
		}
	}
	for _, file := range []string{"../internal/article/app.go", "../internal/article/totp.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`mux\.Handle\("([A-Z]+ /[^"]*)`).FindAllSubmatch(source, -1) {
			route := strings.TrimSuffix(string(m[1]), "{$}")
			if !slices.Contains(walked, route) {
				t.Errorf("%s has the route %s, which is not walked", file, route)
			}
		}
	}
}

func TestWithoutTheFlagThereIsNoSecondFactor(t *testing.T) {
	v := start(t).visitor()
	for _, path := range []string{"/auth/totp", "/auth/totp/new", "/auth/totp/confirm"} {
		v.post(path).want(t, http.StatusNotFound, "")
	}
}
