package main_test

import (
	"encoding/base32"
	"encoding/json"
	"net/http"
	"net/url"
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
	cells, err := store.NewMemoryCells(store.MemoryCellsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	phone, err := totp.NewCodes(totp.CodesConfig{Cells: cells, Issuer: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	return phone.Code(key, at)
}

func TestASecondFactorOpensTheVault(t *testing.T) {
	p := start(t, "-totp")
	v, other := p.visitor(), p.visitor()
	v.get("/vault").want(t, http.StatusUnauthorized, "")
	v.post("/auth/totp/new").want(t, http.StatusUnauthorized, "")
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	v.get("/vault").want(t, http.StatusUnauthorized, "")
	v.post("/auth/totp", "code", "123456").want(t, http.StatusUnauthorized, "")
	answer := v.post("/auth/totp/new")
	answer.want(t, http.StatusCreated, "otpauth://totp/")
	var app struct {
		URL           string   `json:"url"`
		RecoveryCodes []string `json:"recoveryCodes"`
	}
	if err := json.Unmarshal([]byte(answer.body), &app); err != nil || len(app.RecoveryCodes) != 10 {
		t.Fatalf("got %s and %v, want an address and ten codes", answer.body, err)
	}
	code := codeOf(t, app.URL, time.Now())
	v.post("/auth/totp", "code", code).want(t, http.StatusOK, "second factor")
	v.get("/vault").want(t, http.StatusOK, "second factor")

	// The password alone neither opens the vault elsewhere nor replaces the app.
	other.logIn(joe, joesPass).want(t, http.StatusOK, "")
	other.get("/vault").want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp/new").want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp", "code", code).want(t, http.StatusUnauthorized, "")
	recovery := strings.ToUpper(app.RecoveryCodes[3])
	other.post("/auth/totp", "code", recovery).want(t, http.StatusOK, "second factor")
	other.get("/vault").want(t, http.StatusOK, "second factor")
	v.post("/auth/totp", "code", recovery).want(t, http.StatusUnauthorized, "")
	other.post("/auth/totp/new").want(t, http.StatusCreated, "otpauth://totp/")
}

func TestWithoutTheFlagThereIsNoSecondFactor(t *testing.T) {
	v := start(t).visitor()
	for _, path := range []string{"/auth/totp", "/auth/totp/new"} {
		v.post(path).want(t, http.StatusNotFound, "")
	}
}
