package main_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/devicetest"
)

// TestABoundSessionIsShownAsThat: over https, a browser with support for it binds its session to the device,
// and the list of devices says so. A copy of the cookies without the key opens nothing.
func TestABoundSessionIsShownAsThat(t *testing.T) {
	const origin, badge = "https://localhost:3000", "Bound to the device"
	site := main.Site(t, time.Hour, "-url", origin)
	kim, phone := visitAt(t, site, origin).register("kim@test.example"), visitAt(t, site, origin)
	phone.Post("/login", "email", "kim@test.example", "password", secret).Want(t, http.StatusSeeOther, "")
	if list := kim.Get("/account/devices").Text; strings.Contains(list, badge) {
		t.Fatalf("a device is bound before anybody has bound one: %s", list)
	}
	offer := kim.Post("/login", "email", "kim@test.example", "password", secret).Header.Get("Secure-Session-Registration")
	found := regexp.MustCompile(`path="([^"]*)".*challenge="([^"]*)"`).FindStringSubmatch(offer)
	if found == nil {
		t.Fatalf("a log-in offers %q, want a path and a challenge", offer)
	}
	binds := kim.Request(http.MethodPost, found[1], "")
	binds.Header.Set("Secure-Session-Response", devicetest.New(t).Registration(found[2]))
	kim.Do(binds).Want(t, http.StatusOK, "session_identifier")

	for name, v := range map[string]visitor{"its own": kim, "the other": phone} {
		list := v.Get("/account/devices").Text
		own := strings.Contains(list, `This one</span> <span class="badge good">`+badge)
		if strings.Count(list, badge) != 1 || own != (name == "its own") {
			t.Errorf("%s list: got %s, want one device that is bound, and that it is kim's", name, list)
		}
	}
	thief := visitAt(t, site, origin)
	for _, c := range kim.Request(http.MethodGet, "/", "").Cookies() {
		if !strings.Contains(c.Name, "bound") {
			thief.SetCookie(c.Name, c.Value)
		}
	}
	if got := thief.Get("/account/devices").StatusCode; got == http.StatusOK {
		t.Error("the cookie alone opens the devices")
	}
}
