package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/passkeytest"
)

func TestTheTableKeepsTheContract(t *testing.T) {
	passkeytest.RunCredentials(t, func(t *testing.T) (passkey.Credentials[*User], *User, *User) {
		table := &users{}
		var made [2]*User
		for i := range made {
			u, err := table.add(fmt.Sprintf("user%d@test.com", i), "")
			if err != nil {
				t.Fatal(err)
			}
			made[i] = u
		}
		return table, made[0], made[1]
	})
}

func TestOnlyLocalhostServesWithoutTLS(t *testing.T) {
	for _, addr := range []string{":3000", "0.0.0.0:3000", "127.0.0.1:3000", "localhost"} {
		if err := run(context.Background(), addr, nil, nil); err == nil || !strings.Contains(err.Error(), "give localhost and a port") {
			t.Errorf("%s: got %v, want the cure", addr, err)
		}
	}
}
