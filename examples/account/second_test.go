package main_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the protocol uses it
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/browser"
)

// addApp sets up an authenticator app.
func addApp(t testing.TB, v visitor) {
	t.Helper()
	v.Post("/account/authenticator").Want(t, http.StatusSeeOther, "")
	v.Post("/account/authenticator/confirm", "code", shownCode(t, v.Get("/account/authenticator").Text)).Want(t, http.StatusSeeOther, "")
}

// shownCode returns the current code for the key that page shows.
func shownCode(t testing.TB, page string) string {
	t.Helper()
	found := regexp.MustCompile(`<code>([A-Z2-7]+)</code>`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page shows no key")
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return code(key, time.Now())
}

// code returns the code that an app shows: RFC 6238, with SHA-1 and six digits.
func code(key []byte, at time.Time) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1000000)
}

// TestEachChangeOfASecondStepIsMailed: a stolen session must not make a change that the owner does not
// notice.
func TestEachChangeOfASecondStepIsMailed(t *testing.T) {
	site, addPasskey := main.SiteWithPasskeys(t)
	v := visit(t, site).register("kim@test.example")
	mails := func() int { return strings.Count(v.Get("/outbox").Text, "How you log in was changed") }
	addApp(t, v)
	if got := mails(); got != 1 {
		t.Errorf("an app is added: got %d mails, want 1", got)
	}
	v.Post("/account/recovery").Want(t, http.StatusSeeOther, "")
	first := v.hidden(v.Get("/account/recovery").Text, "first")
	for range 2 {
		v.Post("/account/recovery/saved", "first", first).Want(t, http.StatusSeeOther, "")
	}
	if got := mails(); got != 2 {
		t.Errorf("recovery codes are made: got %d mails, want 2", got)
	}
	id := addPasskey("kim@test.example")
	v.Post("/account/passkeys/remove", "id", id).Want(t, http.StatusSeeOther, "")
	v.Post("/account/passkeys/remove", "id", id).Want(t, http.StatusSeeOther, "")
	if got := mails(); got != 4 {
		t.Errorf("a passkey is added and removed: got %d mails, want 4", got)
	}
	v.Post("/account/authenticator/remove").Want(t, http.StatusSeeOther, "")
	if got := mails(); got != 5 {
		t.Errorf("the app is removed: got %d mails, want 5", got)
	}
}

// TestThoseRecoveryCodesAreSavedThatWereShown: a user who wrote down the codes of one window, and then made
// others in a second window, would otherwise have no valid code.
func TestThoseRecoveryCodesAreSavedThatWereShown(t *testing.T) {
	v := visit(t, main.Site(t, time.Hour)).register("kim@test.example")
	made := func() string {
		v.Post("/account/recovery").Want(t, http.StatusSeeOther, "")
		return v.hidden(v.Get("/account/recovery").Text, "first")
	}
	first, second := made(), made()
	v.Post("/account/recovery/saved", "first", first).Want(t, http.StatusSeeOther, "")
	v.Get("/account/recovery").Want(t, http.StatusOK, "in another window")
	v.Post("/account/recovery/saved", "first", second).Want(t, http.StatusSeeOther, "")
	v.Get("/account/security").Want(t, http.StatusOK, "10 left")
	v.Post("/account/recovery/saved", "first", first).Want(t, http.StatusSeeOther, "") // the first window again
	v.Get("/account/recovery").Want(t, http.StatusOK, "not valid")
}

// TestAnAppOfAnotherWindowIsNotSaidToBeSetUp: the codes of the app that the user has added there count for
// nothing.
func TestAnAppOfAnotherWindowIsNotSaidToBeSetUp(t *testing.T) {
	v := visit(t, main.Site(t, time.Hour)).register("kim@test.example")
	addApp(t, v)
	v.Get("/account/security").Want(t, http.StatusOK, "Your app is set up.")
	v.Post("/account/authenticator/confirm", "code", "123456").Want(t, http.StatusSeeOther, "")
	if page := v.Get("/account/security").Text; strings.Contains(page, "is set up") {
		t.Errorf("nothing was set up: got %s", page)
	}
}

// TestAnAppThatIsSetUpIsAnsweredAsThat: a concurrent log-out ends the session, but the app is stored.
func TestAnAppThatIsSetUpIsAnsweredAsThat(t *testing.T) {
	mailed := func() {}
	v := visit(t, main.SiteWhoseMails(t, func() { mailed() })).register("kim@test.example")
	v.Post("/account/authenticator").Want(t, http.StatusSeeOther, "")
	page := v.Get("/account/authenticator").Text
	twin := v.Twin()
	mailed = func() { twin.Post("/logout").Want(t, http.StatusSeeOther, "") }
	v.Post("/account/authenticator/confirm", "code", shownCode(t, page)).Want(t, http.StatusSeeOther, "")
}

// TestAnOutageLosesNothingThatWasShown: after an outage, the second attempt succeeds.
func TestAnOutageLosesNothingThatWasShown(t *testing.T) {
	site := main.SiteOfThieves(t)
	v := visit(t, site).register("kim@test.example")
	v.Post("/account/recovery").Want(t, http.StatusSeeOther, "")
	first := v.hidden(v.Get("/account/recovery").Text, "first")
	page := v.elsewhere("/account/linked/start", "1002")
	page.Want(t, http.StatusOK, "The provider says that you are Jo Baz")
	subject := v.hidden(page.Text, "subject")
	for change, save := range map[string]string{"UPDATE ON authenticators": "/account/recovery/saved", "INSERT ON identities": "/account/linked/confirm"} {
		site.Exec("CREATE TRIGGER outage BEFORE " + change + " BEGIN SELECT RAISE(ABORT, 'an outage'); END")
		v.Post(save, "first", first, "subject", subject).Want(t, http.StatusServiceUnavailable, "")
		site.Exec("DROP TRIGGER outage")
		v.Post(save, "first", first, "subject", subject).Want(t, http.StatusSeeOther, "")
	}
	v.Get("/account/security").Want(t, http.StatusOK, "10 left")
	v.Get("/account/linked").Want(t, http.StatusOK, "Jo Baz")

	v.elsewhere("/account/linked/start", "1002").Want(t, http.StatusOK, "") // it is connected already
	v.Get("/account/linked/callback?error=access_denied&state=1").Want(t, http.StatusUnauthorized, "That was not accepted")
	v.Post("/account/linked/confirm", "subject", subject).Want(t, http.StatusSeeOther, "")
	v.Get("/account/linked").Want(t, http.StatusOK, "The account is connected.")
}

// elsewhere starts at path, says who it is to the example provider, and comes back.
func (v visitor) elsewhere(path, subject string) browser.Answer {
	v.t.Helper()
	to := v.Post(path).Header.Get("Location")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(to, url.Values{"subject": {subject}})
	if err != nil {
		v.t.Fatal(err)
	}
	_ = answer.Body.Close()
	back, ok := strings.CutPrefix(answer.Header.Get("Location"), v.origin)
	if !ok {
		v.t.Fatalf("%d from %q, to %q", answer.StatusCode, to, answer.Header.Get("Location"))
	}
	return v.Get(back)
}

// TestAFormThatLacksTheSecondStepAsksForIt, such as the second of two clicks that set up an app: if the first
// one has proved it meanwhile, the way leads on to the page of the form at once.
func TestAFormThatLacksTheSecondStepAsksForIt(t *testing.T) {
	site := main.Site(t, time.Hour)
	owner := visit(t, site).register("kim@test.example")
	addApp(t, owner)
	for _, row := range []struct{ referer, want string }{
		{main.Origin + "/account?a=b", "/second?return_to=%2Faccount"},
		{"", "/second"},
		{"%", "/second"},
		{"http://elsewhere.example//x", "/second"},
	} {
		v := visit(t, site)
		v.Post("/login", "email", "kim@test.example", "password", secret).Want(t, http.StatusSeeOther, "")
		v.Header("Referer", row.referer)
		a := v.Post("/account/name", "name", "Kim")
		if got := a.Header.Get("Location"); got != row.want {
			t.Errorf("from %q: got %d, Location %q, want %q", row.referer, a.StatusCode, got, row.want)
		}
	}
	if a := owner.Get("/second?return_to=%2Faccount%2Fsecurity"); a.Header.Get("Location") != "/account/security" {
		t.Errorf("with the second step: got %d, Location %q", a.StatusCode, a.Header.Get("Location"))
	}
}
