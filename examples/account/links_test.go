package main_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestALinkIsForTheAddressThatItsPageShows: the address in the link is only for the page. So an attacker can
// put a victim's address there, and the victim would choose a password for the attacker's account.
func TestALinkIsForTheAddressThatItsPageShows(t *testing.T) {
	site := main.Site(t, time.Hour)
	visit(t, site).register("eve@test.example")
	eve := visit(t, site)
	for ask, use := range map[string]string{"/register": "/register/finish", "/forgot": "/reset"} {
		own := "eve@test.example"
		if ask == "/register" {
			own = "eve2@test.example"
		}
		eve.Post(ask, "email", own).Want(t, http.StatusSeeOther, "")
		kim, others := visit(t, site), strings.Replace(own, "eve", "kim", 1)
		page := kim.Get(strings.Replace(eve.link(own), "email=eve", "email=kim", 1)).Text
		if !strings.Contains(page, others) {
			t.Fatalf("%s shows no %s: %s", use, others, page)
		}
		got := kim.Post(use, "token", kim.hidden(page, "token"), "email", others, "password", secret)
		if got.StatusCode != http.StatusGone {
			t.Errorf("%s: got %d, want 410", use, got.StatusCode)
		}
	}
}

// TestALinkEndsWithItsAddress: a link to an address that the user has given up is not valid any more.
func TestALinkEndsWithItsAddress(t *testing.T) {
	site := main.Site(t, time.Hour)
	kim, finder := visit(t, site).register("old@test.example"), visit(t, site)
	finder.Post("/forgot", "email", "old@test.example").Want(t, http.StatusSeeOther, "")
	reset := finder.link("old@test.example")
	finder.Post("/login/link", "email", "old@test.example").Want(t, http.StatusSeeOther, "")
	magic := finder.link("old@test.example")

	kim.Post("/account/email", "email", "new@test.example").Want(t, http.StatusSeeOther, "")
	for _, side := range []string{"old@test.example", "new@test.example"} {
		page := kim.Get(kim.link(side)).Text
		if !strings.Contains(page, "It is to be new@test.example.") {
			t.Errorf("the page does not say what is confirmed: %s", page)
		}
		kim.Post("/email/confirm", "token", kim.hidden(page, "token"), "email", kim.hidden(page, "email")).Want(t, http.StatusSeeOther, "")
	}
	if page := kim.Get("/account").Text; !strings.Contains(page, "<dd>new@test.example</dd>") {
		t.Fatalf("the address was not changed: %s", page)
	}
	for _, x := range [][2]string{{"/login/link/use", magic}, {"/reset", reset}} {
		use, token := x[0], finder.hidden(finder.Get(x[1]).Text, "token")
		got := finder.Post(use, "token", token, "email", "old@test.example", "password", secret)
		if got.StatusCode != http.StatusGone {
			t.Errorf("%s: got %d, want 410", use, got.StatusCode)
		}
	}
}

// TestAProviderVouchesForAddressesAlone: a text that is not an address would be an account without mail, and
// "" would be the address in -admin if that flag is not given.
func TestAProviderVouchesForAddressesAlone(t *testing.T) {
	for _, email := range []string{"\u200b", "kim", "Kim <kim@test.example>", "kim@test.example\r\nBcc: all@test.example"} {
		if _, err := main.FirstLogInElsewhere(t, email); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%q: got %v, want a refusal", email, err)
		}
	}
	if u, err := main.FirstLogInElsewhere(t, "Kim@test.example"); err != nil || u.Email != "kim@test.example" {
		t.Errorf("got %v, %v", u, err)
	}
}
