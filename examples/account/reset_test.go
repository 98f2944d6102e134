package main_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestWhatIsRemovedAfterAResetLogsNobodyIn: log-ins with it between the reset and the removal end too.
func TestWhatIsRemovedAfterAResetLogsNobodyIn(t *testing.T) {
	site := main.Site(t, time.Hour)
	kim := visit(t, site).register("kim@test.example")
	kim.Post("/account/keys", "name", "a robot").Want(t, http.StatusSeeOther, "")
	thief := visit(t, site)
	thief.Post("/login", "email", "kim@test.example", "password", secret).Want(t, http.StatusSeeOther, "")
	for range 2 {
		kim.Post("/account/kept").Want(t, http.StatusSeeOther, "")
	}
	if got := thief.Get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("another device: got %d, want it logged out", got.StatusCode)
	}
	if got := kim.Get("/account"); got.StatusCode != http.StatusOK {
		t.Errorf("the own device: got %d, want it logged in", got.StatusCode)
	}
	if got := strings.Count(kim.Get("/outbox").Text, "What else got you in was removed"); got != 1 {
		t.Errorf("two clicks: got %d mails, want 1", got)
	}
}

// TestTheErrorOfAnOldLogInLeadsToALogIn: a user who is logged in gets the page /login only with max_age.
func TestTheErrorOfAnOldLogInLeadsToALogIn(t *testing.T) {
	kim := visit(t, main.Site(t, time.Nanosecond)).register("kim@test.example")
	answer := kim.Post("/account/delete", "email", "kim@test.example")
	answer.Want(t, http.StatusUnauthorized, "Log in again")
	link := regexp.MustCompile(`href="(/login[^"]*)"`).FindStringSubmatch(answer.Text)
	if link == nil {
		t.Fatalf("no link to log in: %s", answer.Text)
	}
	kim.Get(link[1]).Want(t, http.StatusOK, "Confirm that it is you")
}

// TestTheNewPasswordIsNoSecondGuess: a stolen session could once guess two current passwords in one request.
// The second of two clicks is none either.
func TestTheNewPasswordIsNoSecondGuess(t *testing.T) {
	kim := visit(t, main.Site(t, time.Hour)).register("kim@test.example")
	kim.changePassword("a guess", secret).Want(t, http.StatusUnprocessableEntity, "not your present password")
	stamp := kim.hidden(kim.Get("/account/password").Text, "stamp")
	for range 2 {
		kim.Post("/account/password", "stamp", stamp, "current", secret, "password", secret+" or more").Want(t, http.StatusSeeOther, "")
	}
	kim.Get("/account").Want(t, http.StatusOK, "Your password is changed.")
}

// TestAPasswordFormOfAnotherTabSaysThatItChangedNothing: the user would think that its password counts.
func TestAPasswordFormOfAnotherTabSaysThatItChangedNothing(t *testing.T) {
	kim := visit(t, main.Site(t, time.Hour)).register("kim@test.example")
	waits := kim.hidden(kim.Get("/account/password").Text, "stamp")
	kim.changePassword(secret, secret+" or more").Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "Your password is changed.")
	kim.Post("/account/password", "stamp", waits, "current", secret+" or more", "password", secret+" at last").
		Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "This one changed nothing.")
}

// TestAChangeUnderWayDoesNotUndoAReset: a thief with the password changes it again and again. One of these
// requests begins before the owner's reset and ends after it.
func TestAChangeUnderWayDoesNotUndoAReset(t *testing.T) {
	made := func() {}
	site := main.SiteWhoseHashes(t, func() error { made(); return nil })
	thief, kim := visit(t, site).register("kim@test.example"), visit(t, site)
	kim.Post("/forgot", "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
	token := kim.token("kim@test.example")
	made = func() {
		made = func() {}
		kim.Post("/reset", "token", token, "password", secret+" or more").Want(t, http.StatusSeeOther, "")
	}
	thief.changePassword(secret, "a thief's own password").Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "Your password is changed.")
	thief.Get("/account").Want(t, http.StatusSeeOther, "")
	visit(t, site).Post("/login", "email", "kim@test.example", "password", "a thief's own password").Want(t, http.StatusUnprocessableEntity, "")
}

// TestAStrangerHasNothingHashed: a link that is not valid costs no hash, nor does a wrong present password.
func TestAStrangerHasNothingHashed(t *testing.T) {
	hashes := 0
	site := main.SiteWhoseHashes(t, func() error { hashes++; return nil })
	kim := visit(t, site).register("kim@test.example")
	before := hashes
	for _, path := range []string{"/reset", "/register/finish"} {
		visit(t, site).Post(path, "token", "made up", "password", secret).Want(t, http.StatusGone, "")
	}
	kim.changePassword("a guess", secret+" or more").Want(t, http.StatusUnprocessableEntity, "")
	if hashes != before {
		t.Errorf("got %d hashes, want none", hashes-before)
	}
}

// TestABusySiteLosesNoLink: a hash that is refused under load is a 503, and the next attempt succeeds.
func TestABusySiteLosesNoLink(t *testing.T) {
	var busy error
	site := main.SiteWhoseHashes(t, func() error { return busy })
	kim := visit(t, site)
	for _, x := range []struct{ ask, use string }{{"/register", "/register/finish"}, {"/forgot", "/reset"}} {
		kim.Post(x.ask, "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
		form := []string{"token", kim.token("kim@test.example"), "password", secret}
		busy = strategy.ErrBusy
		kim.Post(x.use, form...).Want(t, http.StatusServiceUnavailable, "")
		busy = nil
		kim.Post(x.use, form...).Want(t, http.StatusSeeOther, "")
		kim.Get("/account").Want(t, http.StatusOK, "kim@test.example")
		kim.Post("/logout").Want(t, http.StatusSeeOther, "")
		kim.Post(x.use, form...).Want(t, http.StatusGone, "")
	}
}

// TestASecondClickFindsTheWorkDone: the browser breaks the first request off, after the link is used up. The
// work is finished, so that the password which was chosen logs in.
func TestASecondClickFindsTheWorkDone(t *testing.T) {
	leave := func() {}
	site := main.SiteWhoseHashes(t, func() error { leave(); return nil })
	breaksOff := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		leave = cancel
		site.ServeHTTP(w, r.WithContext(ctx))
		leave = func() {}
	})
	kim := visit(t, site)
	for _, x := range []struct{ ask, use, chosen string }{
		{"/register", "/register/finish", secret}, {"/forgot", "/reset", secret + " or more"},
	} {
		kim.Post(x.ask, "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
		form := []string{"token", kim.token("kim@test.example"), "password", x.chosen}
		visit(t, breaksOff).Post(x.use, form...) // the answer and its cookies do not arrive
		kim.Post(x.use, form...).Want(t, http.StatusGone, "")
		kim.Post("/login", "email", "kim@test.example", "password", x.chosen).Want(t, http.StatusSeeOther, "")
		kim.Get("/account").Want(t, http.StatusOK, "kim@test.example")
		kim.Post("/logout").Want(t, http.StatusSeeOther, "")
	}
}

// TestAnOutageOfAResetIsTriedAgain, also after the second step is removed: the link stays valid, and each change
// is mailed once.
func TestAnOutageOfAResetIsTriedAgain(t *testing.T) {
	site := main.SiteOfThieves(t)
	thief, kim := visit(t, site).register("kim@test.example"), visit(t, site)
	site.AddPasskey(0)
	kim.Post("/forgot", "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
	form := []string{"token", kim.token("kim@test.example"), "password", secret + " or more", "remove", "yes"}
	site.Exec("CREATE TRIGGER outage BEFORE UPDATE ON users BEGIN SELECT RAISE(ABORT, 'an outage'); END")
	kim.Post("/reset", form...).Want(t, http.StatusServiceUnavailable, "")
	site.Exec("DROP TRIGGER outage")
	kim.Post("/reset", form...).Want(t, http.StatusSeeOther, "")
	kim.Get("/account").Want(t, http.StatusOK, "Your password is changed.")
	thief.Get("/account").Want(t, http.StatusSeeOther, "")
	for subject, want := range map[string]int{"How you log in was changed": 2, "Your password was changed": 1} { // added, removed
		if got := strings.Count(kim.Get("/outbox").Text, subject); got != want {
			t.Errorf("%s: got %d mails, want %d", subject, got, want)
		}
	}
}
