package main_test

import (
	"testing"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/passkeytest"
)

func TestThePasskeysTable(t *testing.T) {
	passkeytest.RunCredentials(t, func(t *testing.T) (passkey.Credentials[*main.User], *main.User, *main.User) {
		return main.Passkeys(t)
	})
}
