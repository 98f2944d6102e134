package passkey_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// TestNIST_2_2_APhishedPasswordIsUseless: a site in the middle forwards what Joe types, the challenge, and
// the answer of his authenticator to it.
func TestNIST_2_2_APhishedPasswordIsUseless(t *testing.T) {
	w := newWorld(t)
	joe := w.registered(newAuthenticator(t))
	w.needed = []string{"passkey"}
	thief := w.visit(joe.authenticator)
	thief.Post("/login", "email", w.joe.Email, "password", w.joe.Password).Want(t, http.StatusUnauthorized, `"factor":"passkey"`)
	for _, begin := range []string{"/passkey", "/stepup"} {
		text := thief.options(begin + "/options")
		joe.origin, joe.rpID = "https://app.example.evil.example", ""
		thief.wantRefused(thief.send(http.MethodPost, begin, joe.get(text)), http.StatusUnauthorized, "https://app.example.evil.example")
		joe.rpID = "app.example.evil.example" // the only RPID that a browser allows such a page
		thief.wantRefused(thief.send(http.MethodPost, begin, joe.get(text)), http.StatusUnauthorized, "https://app.example.evil.example")
	}
	thief.Get("/me").Want(t, http.StatusUnauthorized, "")
	// One answer at the right site proves two factors.
	joe.origin, joe.rpID = origin, ""
	joe.logIn().Want(t, http.StatusOK, "done")
	joe.Get("/me").Want(t, http.StatusOK, "hello")
}

func TestASVS_6_3_3_ARouteAsksForAVerifiedKeyInItsDevice(t *testing.T) {
	for _, row := range []struct {
		name  string
		flags byte
		want  int
	}{
		{"a key in its device, verified", present | verified, 200},
		{"a key in its device", present, 401},
		{"a passkey that was copied", present | verified | eligible | backedUp, 401},
		{"a passkey that can be copied", present | verified | eligible, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy.UserVerification = passkey.Preferred })
			a := newAuthenticator(t)
			a.flags = row.flags
			v := w.registered(a)
			v.logIn().Want(t, http.StatusOK, "done")
			v.Get("/strong").Want(t, http.StatusOK, "")
			v.Get("/aal3").Want(t, row.want, "")
			// In a new session the factors are gone.
			v.byPassword(w.joe)
			v.Get("/aal3").Want(t, http.StatusUnauthorized, "")
		})
	}
}

// TestNIST_2_3_1_ASyncableKeyIsNotRegistered where the policy is that of AAL3.
func TestNIST_2_3_1_ASyncableKeyIsNotRegistered(t *testing.T) {
	w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy.DeviceBound = true })
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	v.wantRefused(v.register(), http.StatusBadRequest, "Policy.DeviceBound is set")
	v.authenticator = newSecurityKey(t)
	v.register().Want(t, http.StatusCreated, "")
	v.logIn().Want(t, http.StatusOK, "done")
	v.Get("/aal3").Want(t, http.StatusOK, "")
}

func TestASVS_6_7_2_ChallengesAreRandomAndGoodOnce(t *testing.T) {
	const bits, n = 192, 1000
	v := newWorld(t).visit(newAuthenticator(t))
	seen := map[string]bool{}
	ones := make([]int, bits)
	for range n {
		raw := unb64(t, v.parse(v.options("/passkey/options")).Challenge)
		random := raw[9 : 9+bits/8]
		seen[string(random)] = true
		for i := range bits {
			ones[i] += int(random[i/8] >> (i % 8) & 1)
		}
	}
	if len(seen) != n {
		t.Errorf("got %d challenges of %d, want all to be different", len(seen), n)
	}
	for i, k := range ones {
		if k < n/4 || k > 3*n/4 { // 16 standard deviations
			t.Errorf("bit %d is 1 in %d of %d", i, k, n)
		}
	}
}
