//go:build integration

package main

import (
	"context"
	"os"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/strategy/passkey/internal/peer"
	"github.com/seed-6f34412b/passport/strategy/password"
)

// start runs the example and returns its address.
func start(t *testing.T) string {
	t.Helper()
	cheap := &password.Bcrypt{InsecureFast: true, Cost: 4} // for tests only
	return subprocess.Here(t, func(ctx context.Context, ready func(string)) error { return run(ctx, "localhost:0", cheap, ready) })
}

// TestAPersonRegistersAndLogsInByAPasskey, with an authenticator that answers at once.
func TestAPersonRegistersAndLogsInByAPasskey(t *testing.T) {
	url := start(t)
	browser := peer.Chromium(t, "..")
	do := func(what string, with map[string]any) {
		t.Helper()
		with["do"] = what
		browser.Ask(with, nil)
	}
	picture := func(name string) {
		t.Helper()
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			do("screenshot", map[string]any{"path": dir + "/" + name + ".png"})
		}
	}
	type m = map[string]any
	do("fresh", m{"url": url, "options": peer.Synced()})
	picture("login")
	do("fill", m{"selector": "form[action='/register'] [name=email]", "text": "kim@test.com"})
	do("fill", m{"selector": "form[action='/register'] [name=password]", "text": "four words that nobody says"})
	do("click", m{"selector": "form[action='/register'] button"})
	do("wait", m{"text": "Hello kim@test.com"})
	do("wait", m{"text": "You have none yet"})
	do("click", m{"selector": "#add"})
	do("wait", m{"text": "unknown model, made"})
	do("fill", m{"selector": "#list input", "text": "Kim's phone"})
	do("click", m{"selector": "#list .rename"})
	picture("passkeys")
	// The field offers the passkey as soon as the page is loaded; here it is accepted at once.
	do("click", m{"selector": "form[action='/logout'] button"})
	do("wait", m{"text": "Hello kim@test.com"})
	do("wait", m{"text": ", used "})
	// With the button, if the user has not used the field.
	do("devtools", m{"method": "setAutomaticPresenceSimulation", "params": m{"enabled": false}})
	do("click", m{"selector": "form[action='/logout'] button"})
	do("wait", m{"text": "Log in with a passkey"})
	do("devtools", m{"method": "setAutomaticPresenceSimulation", "params": m{"enabled": true}})
	do("click", m{"selector": "#with-passkey"})
	do("wait", m{"text": "Hello kim@test.com"})
	do("click", m{"selector": "#list .remove"})
	do("wait", m{"text": "You have none yet"})
	// With the password, as before.
	do("click", m{"selector": "form[action='/logout'] button"})
	do("fill", m{"selector": "form[action='/login'] [name=email]", "text": "kim@test.com"})
	do("fill", m{"selector": "form[action='/login'] [name=password]", "text": "four words that nobody says"})
	do("click", m{"selector": "form[action='/login'] button"})
	do("wait", m{"text": "Hello kim@test.com"})
}
