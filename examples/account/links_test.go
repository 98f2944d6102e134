package main_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestALinkIsForTheAddressThatItsPageShows: an attacker can put a victim's address into their own link. But the
// victim must not choose a password for the attacker's account.
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
		kim, token := visit(t, site), eve.token(own)
		kim.Get(use+"?token="+token).Want(t, http.StatusOK, `value="`+own+`"`)
		others := strings.Replace(own, "eve", "kim", 1)
		token = token[:32] + base64.RawURLEncoding.EncodeToString([]byte(others))
		kim.Get(use+"?token="+token).Want(t, http.StatusOK, others)
		got := kim.Post(use, "token", token, "password", secret)
		if got.StatusCode != http.StatusGone {
			t.Errorf("%s: got %d, want 410", use, got.StatusCode)
		}
	}
}

// TestALinkLogsInWhereItWasAskedForAlone, and whatever a second log-in page is there.
func TestALinkLogsInWhereItWasAskedForAlone(t *testing.T) {
	site := main.Site(t, time.Hour)
	visit(t, site).register("kim@test.example")
	kim, eve := visit(t, site), visit(t, site)
	for _, v := range []visitor{kim, eve} {
		kim.Post("/login/link", "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
		v.Post("/login/link/use", "token", kim.token("kim@test.example"))
		if got := v.Get("/account").StatusCode == http.StatusOK; got != (v == kim) {
			t.Errorf("the browser that asked: %t: logged in: %t", v == kim, got)
		}
	}
}

// TestAUsedLinkLeadsWhoeverIsLoggedInToTheirAccount: they went back and pressed the button again.
func TestAUsedLinkLeadsWhoeverIsLoggedInToTheirAccount(t *testing.T) {
	kim := visit(t, main.Site(t, time.Hour)).register("kim@test.example")
	kim.Post("/logout").Want(t, http.StatusSeeOther, "")
	for ask, use := range map[string]string{"/login/link": "/login/link/use", "/forgot": "/reset"} {
		kim.Post(ask, "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
		token := kim.token("kim@test.example")
		for range 2 {
			if got := kim.Post(use, "token", token, "password", secret); got.Header.Get("Location") != "/account" {
				t.Errorf("%s: got %d to %q, want /account", use, got.StatusCode, got.Header.Get("Location"))
			}
		}
		kim.Post("/logout").Want(t, http.StatusSeeOther, "")
		if got := kim.Post(use, "token", token, "password", secret); got.StatusCode != http.StatusGone {
			t.Errorf("%s, logged out: got %d, want 410", use, got.StatusCode)
		}
	}
}

// TestALinkEndsWithItsAddress: a link to an address that the user has given up is not valid any more, nor is
// another change of the address that was begun.
func TestALinkEndsWithItsAddress(t *testing.T) {
	site := main.Site(t, time.Hour)
	kim, finder := visit(t, site).register("old@test.example"), visit(t, site)
	finder.Post("/forgot", "email", "old@test.example").Want(t, http.StatusSeeOther, "")
	reset := finder.token("old@test.example")
	finder.Post("/login/link", "email", "old@test.example").Want(t, http.StatusSeeOther, "")
	magic := finder.token("old@test.example")
	begun := func(email string) (token string) {
		kim.Post("/account/email", "email", email).Want(t, http.StatusSeeOther, "")
		kim.Get(kim.link("old@test.example")).Want(t, http.StatusOK, "It is to be "+email+".")
		return kim.token("old@test.example")
	}
	first, late := begun("other@test.example"), begun("late@test.example")
	kim.Post("/email/old", "token", first).Want(t, http.StatusSeeOther, "")
	second := kim.token("other@test.example")

	kim.Post("/email/old", "token", begun("new@test.example")).Want(t, http.StatusSeeOther, "")
	if page := kim.Get("/account").Text; strings.Contains(page, "<dd>new@test.example</dd>") {
		t.Fatalf("the address was changed before the new one was confirmed: %s", page)
	}
	kim.Get(kim.link("new@test.example")).Want(t, http.StatusOK, "It is to be new@test.example.")
	token := kim.token("new@test.example")
	for range 2 { // the second of two clicks
		kim.Post("/email/new", "token", token).Want(t, http.StatusSeeOther, "")
	}
	kim.Get("/account").Want(t, http.StatusOK, "<dd>new@test.example</dd>")
	for use, token := range map[string]string{
		"/login/link/use": magic, "/reset": reset, "/email/old": late,
	} {
		if got := finder.Post(use, "token", token, "password", secret); got.StatusCode != http.StatusGone {
			t.Errorf("%s: got %d, want 410", use, got.StatusCode)
		}
	}
	kim.Post("/email/new", "token", second).Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "<dd>new@test.example</dd>")
	finder.Post("/login", "email", "new@test.example", "password", secret).Want(t, http.StatusSeeOther, "")
}

// TestANewPasswordEndsAChangeOfTheAddress, on either side: a thief may have begun it.
func TestANewPasswordEndsAChangeOfTheAddress(t *testing.T) {
	for _, side := range []string{"old", "new"} {
		site := main.Site(t, time.Hour)
		kim := visit(t, site).register("kim@test.example")
		kim.Post("/account/email", "email", "thief@test.example").Want(t, http.StatusSeeOther, "")
		token := kim.token("kim@test.example")
		if side == "new" {
			kim.Post("/email/old", "token", token).Want(t, http.StatusSeeOther, "")
			token = kim.token("thief@test.example")
		}
		kim.changePassword(secret, secret+" or more").Want(t, http.StatusSeeOther, "")
		kim.Post("/email/"+side, "token", token).Want(t, http.StatusSeeOther, "")
		kim.Get("/account").Want(t, http.StatusOK, "<dd>kim@test.example</dd>")
	}
}

// TestATakenAddressIsAnsweredAsAFreeOne, by both pages. Only its owner learns of it.
func TestATakenAddressIsAnsweredAsAFreeOne(t *testing.T) {
	site := main.Site(t, time.Hour)
	visit(t, site).register("jo@test.example")
	kim := visit(t, site).register("kim@test.example")
	for _, email := range []string{"free@test.example", "jo@test.example"} {
		kim.Post("/account/email", "email", email).Want(t, http.StatusSeeOther, "")
		kim.Get("/account").Want(t, http.StatusOK, "We have sent a mail to kim@test.example.")
		kim.Post("/email/old", "token", kim.token("kim@test.example")).Want(t, http.StatusSeeOther, "")
		kim.Get("/").Want(t, http.StatusOK, "Now open the link in the mail to "+email+".")
	}
	kim.Get("/outbox").Want(t, http.StatusOK, "This address has an account")
	visit(t, site).register("free@test.example") // meanwhile
	kim.Post("/account/email", "email", "late@test.example").Want(t, http.StatusSeeOther, "")
	kim.Post("/email/old", "token", kim.token("kim@test.example")).Want(t, http.StatusSeeOther, "")
	token := kim.token("late@test.example")
	visit(t, site).register("late@test.example")
	kim.Post("/email/new", "token", token).Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "<dd>kim@test.example</dd>")
}

// TestOnlyTheUserConfirmsTheNewAddress: if it is mistyped, its owner must not get the account by a reset. And
// nobody's address must become that of a stranger's account, which they would use as their own.
func TestOnlyTheUserConfirmsTheNewAddress(t *testing.T) {
	site := main.Site(t, time.Hour)
	kim, nobody := visit(t, site).register("kim@test.example"), visit(t, site)
	jo := visit(t, site).register("jo@test.example")
	begun := func() (token string) {
		kim.Post("/account/email", "email", "mistyped@test.example").Want(t, http.StatusSeeOther, "")
		kim.Post("/email/old", "token", kim.token("kim@test.example")).Want(t, http.StatusSeeOther, "")
		return kim.token("mistyped@test.example")
	}
	for name, v := range map[string]visitor{"nobody": nobody, "another user": jo} {
		v.Post("/email/new", "token", begun())
		if page := kim.Get("/account").Text; !strings.Contains(page, "<dd>kim@test.example</dd>") {
			t.Errorf("%s confirmed the address of kim's account: %s", name, page)
		}
		jo.Get("/account").Want(t, http.StatusOK, "<dd>jo@test.example</dd>")
	}
	token := begun()
	path := "/email/new?token=" + token
	to := nobody.Get(path).Header.Get("Location") // the user, in another browser: the log-in leads back
	if !strings.HasPrefix(to, "/login") {
		t.Fatalf("got %q, want the log-in", to)
	}
	_, query, _ := strings.Cut(to, "?")
	answer := nobody.Post("/login?"+query, "email", "kim@test.example", "password", secret)
	if got := answer.Header.Get("Location"); got != path {
		t.Errorf("after the log-in: got %q, want %q", got, path)
	}
	nobody.Post("/email/new", "token", token).Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "<dd>mistyped@test.example</dd>")
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
