package password_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
)

type Member struct {
	ID           int
	Email        string
	PasswordHash string
}

// Members is a users table.
type Members map[string]*Member

// Lookup implements password.Accounts.
func (m Members) Lookup(_ context.Context, email string) (*Member, string, error) {
	member, ok := m[strings.ToLower(email)]
	if !ok {
		return nil, "", strategy.ErrUnauthenticated
	}
	return member, member.PasswordHash, nil
}

// Passwords in a users table: password.New does the hashing, with the same work for
// addresses that nobody has.
func Example_password() {
	hasher := &password.Bcrypt{InsecureFast: true, Cost: 4} // in production: &password.Bcrypt{}
	hash, err := hasher.Hash(context.Background(), "Passw0rd!")
	if err != nil {
		panic(err)
	}
	members := Members{"joefoo@test.com": {ID: 1, Email: "joefoo@test.com", PasswordHash: hash}}
	local, err := password.New(members, password.Config{Hasher: hasher})
	if err != nil {
		panic(err)
	}

	for _, body := range []string{
		"email=JoeFoo@test.com&password=Passw0rd!",
		"email=joefoo@test.com&password=guess",
		"email=nobody@test.com&password=guess",
	} {
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if member, err := local.Authenticate(httptest.NewRecorder(), r); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("logged in: member", member.ID)
		}
	}
	// Output:
	// logged in: member 1
	// strategy: not authenticated: unknown user or wrong password
	// strategy: not authenticated: unknown user or wrong password
}
