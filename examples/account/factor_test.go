package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
)

// TestAThiefsSecondStepLocksNobodyOut: the owner has the mail, and removes it with a new password, unless it
// is older than seven days and so may be a second step that the mail alone must not remove.
func TestAThiefsSecondStepLocksNobodyOut(t *testing.T) {
	for _, row := range []struct {
		name    string
		passkey bool
		age     time.Duration
		remove  string
		want    string // the page at which the owner is in the end
		says    string
	}{
		{"a passkey", true, 0, "yes", "/account", "The second step is removed."},
		{"a passkey, six days old", true, 6 * 24 * time.Hour, "yes", "/account", "The second step is removed."},
		{"a passkey, eight days old", true, 8 * 24 * time.Hour, "yes", "/second", "The second step stays"},
		{"a passkey that the owner does not mind", true, 0, "", "/second", "Your password is changed."},
		{"an app", false, 0, "yes", "/account", "The second step is removed."},
		{"an app, eight days old", false, 8 * 24 * time.Hour, "yes", "/second", "The second step stays"},
	} {
		site := main.SiteOfThieves(t)
		thief := visit(t, site).register("kim@test.example")
		if row.passkey {
			site.AddPasskey(row.age)
		} else {
			addApp(t, thief)
			site.Exec("UPDATE authenticators SET app_since = $1", time.Now().Add(-row.age).UnixMilli())
		}
		kim := visit(t, site)
		kim.Post("/forgot", "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
		kim.Post("/reset", "token", kim.token("kim@test.example"), "password", "another four odd words", "remove", row.remove).
			Want(t, http.StatusSeeOther, "")
		answer := kim.Get("/account")
		if row.want != "/account" {
			if to := answer.Header.Get("Location"); !strings.HasPrefix(to, row.want) {
				t.Errorf("%s: got %d to %q, want %s", row.name, answer.StatusCode, to, row.want)
			}
			answer = kim.Get(row.want)
		}
		if !strings.Contains(answer.Text, row.says) {
			t.Errorf("%s: %s does not say %q: %s", row.name, row.want, row.says, answer.Text)
		}
		if got := thief.Get("/account"); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: the thief gets %d, want a log-in", row.name, got.StatusCode)
		}
	}
}

// TestALostPasskeyLocksNobodyOut: it is a second step, also after a link by mail. So the page asks to make
// recovery codes, and they do for it.
func TestALostPasskeyLocksNobodyOut(t *testing.T) {
	site := main.SiteOfThieves(t)
	kim, lost := visit(t, site).register("kim@test.example"), visit(t, site)
	kim.Get("/account/security").Want(t, http.StatusOK, "<p>For the day when you lose the phone")
	site.AddPasskey(8 * 24 * time.Hour)
	kim.Post("/in", "factor", "passkey").Want(t, http.StatusSeeOther, "")
	kim.Get("/account/security").Want(t, http.StatusOK, "Now make recovery codes")
	kim.Post("/account/recovery").Want(t, http.StatusSeeOther, "")
	page := kim.Get("/account/recovery").Text
	_, code, _ := strings.Cut(page, "<li><code>")
	code, _, _ = strings.Cut(code, "<")
	kim.Post("/account/recovery/saved", "first", kim.hidden(page, "first")).Want(t, http.StatusSeeOther, "")

	lost.Post("/login/link", "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
	lost.Post("/login/link/use", "token", lost.token("kim@test.example"))
	if to := lost.Get("/account").Header.Get("Location"); !strings.HasPrefix(to, "/second") {
		t.Errorf("after a link by mail: got %q, want the second step", to)
	}
	lost.Post("/second", "code", code).Want(t, http.StatusSeeOther, "")
	lost.Get("/account").Want(t, http.StatusOK, "kim@test.example")
}

// TestWhatIsRemovedLogsItsUsersOut: removing a passkey, an app or a provider's account ends the log-ins with
// it in all other browsers. A double click sends one mail.
func TestWhatIsRemovedLogsItsUsersOut(t *testing.T) {
	for _, row := range []struct{ factor, path, mail string }{
		{"passkey", "/account/passkeys/remove", "How you log in was changed"},
		{"totp", "/account/authenticator/remove", "How you log in was changed"},
		{"provider", "/account/linked/remove", "A way to log in was removed"},
	} {
		site := main.SiteOfThieves(t)
		kim := visit(t, site).register("kim@test.example")
		form := site.Add(row.factor)
		thief, phone := visit(t, site), visit(t, site)
		thief.Post("/in", "factor", row.factor).Want(t, http.StatusSeeOther, "")
		phone.Post("/in", "factor", "local").Want(t, http.StatusSeeOther, "")
		kim.Post("/in", "factor", row.factor).Want(t, http.StatusSeeOther, "") // the browser that removes it too
		before := strings.Count(kim.Get("/outbox").Text, row.mail)
		for range 2 {
			kim.Post(row.path, form...).Want(t, http.StatusSeeOther, "")
		}
		if got := strings.Count(kim.Get("/outbox").Text, row.mail) - before; got != 1 {
			t.Errorf("%s: two clicks: got %d mails, want 1", row.factor, got)
		}
		for _, x := range []struct {
			who  string
			v    visitor
			want int
		}{{"who used it", thief, http.StatusSeeOther}, {"who removed it", kim, http.StatusOK}, {"a password", phone, http.StatusOK}} {
			if got := x.v.Get("/account"); got.StatusCode != x.want {
				t.Errorf("%s: %s: got %d, want %d", row.factor, x.who, got.StatusCode, x.want)
			}
		}
	}
}

// TestAnotherAppLogsOutWhoUsedTheFormer: a new app replaces the former one.
func TestAnotherAppLogsOutWhoUsedTheFormer(t *testing.T) {
	site := main.SiteOfThieves(t)
	kim, thief := visit(t, site).register("kim@test.example"), visit(t, site)
	site.Add("totp")
	for _, v := range []visitor{kim, thief} {
		v.Post("/in", "factor", "totp").Want(t, http.StatusSeeOther, "")
	}
	addApp(t, kim)
	if got := thief.Get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("who used the former app: got %d, want a log-in", got.StatusCode)
	}
	kim.Get("/account").Want(t, http.StatusOK, "")
}

// TestTheMailIsAlwaysAWayIn: so a user may remove each other one. The second step that they have is asked for
// then too.
func TestTheMailIsAlwaysAWayIn(t *testing.T) {
	for _, app := range []bool{false, true} {
		site := main.SiteOfThieves(t)
		kim := visit(t, site).register("kim@test.example")
		passkey, linked := site.Add("passkey"), site.Add("provider")
		if app {
			site.Add("totp")
		}
		kim.Post("/in", "factor", "passkey").Want(t, http.StatusSeeOther, "")
		site.Exec("UPDATE users SET hash = ''")
		kim.Post("/account/linked/remove", linked...).Want(t, http.StatusSeeOther, "")
		kim.Post("/account/passkeys/remove", passkey...).Want(t, http.StatusSeeOther, "")
		kim.Get("/account/security").Want(t, http.StatusOK, "The passkey is removed.")
		kim.Post("/logout").Want(t, http.StatusSeeOther, "")
		kim.Post("/login/link", "email", "kim@test.example").Want(t, http.StatusSeeOther, "")
		kim.Post("/login/link/use", "token", kim.token("kim@test.example")).Want(t, http.StatusSeeOther, "")
		if to := kim.Get("/account").Header.Get("Location"); strings.HasPrefix(to, "/second") != app {
			t.Errorf("with an app: %t: got the way to %q", app, to)
		}
	}
}

// TestNewRecoveryCodesLogOutWhoUsedTheFormer ones, in all other browsers.
func TestNewRecoveryCodesLogOutWhoUsedTheFormer(t *testing.T) {
	site := main.SiteOfThieves(t)
	kim, thief := visit(t, site).register("kim@test.example"), visit(t, site)
	for _, v := range []visitor{kim, thief} {
		v.Post("/in", "factor", "recovery").Want(t, http.StatusSeeOther, "")
	}
	kim.Post("/account/recovery").Want(t, http.StatusSeeOther, "")
	first := kim.hidden(kim.Get("/account/recovery").Text, "first")
	thief.Get("/account").Want(t, http.StatusOK, "") // codes that are not saved replace none
	kim.Post("/account/recovery/saved", "first", first).Want(t, http.StatusSeeOther, "")
	if got := thief.Get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("who used a former code: got %d, want a log-in", got.StatusCode)
	}
	kim.Get("/account").Want(t, http.StatusOK, "")
}
