package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

// Directory stands for a service that knows passwords and keeps them to itself, such
// as an LDAP server.
type Directory struct{}

func (Directory) Bind(_ context.Context, email, password string) error {
	if email == "joefoo@test.com" && password == "Passw0rd!" {
		return nil
	}
	return errors.New("ldap: invalid credentials")
}

type Person struct{ Email string }

// A LocalStrategy whose validate function asks a directory. Passwords in a table of
// one's own are for package password.
func Example_local() {
	var directory Directory
	local, err := strategy.NewLocalWith(strategy.LocalConfig{EmailField: "user[email]", PasswordField: "user[password]"},
		func(ctx context.Context, email, password string) (*Person, error) {
			if err := directory.Bind(ctx, email, password); err != nil {
				return nil, fmt.Errorf("directory: %w: %w", err, strategy.ErrUnauthenticated)
			}
			return &Person{email}, nil
		})
	if err != nil {
		panic(err)
	}
	for _, body := range []string{
		`{"user":{"email":"joefoo@test.com","password":"Passw0rd!"}}`,
		`{"user":{"email":"joefoo@test.com","password":"guess"}}`,
		`{"user":{"email":["joefoo@test.com"],"password":"Passw0rd!"}}`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		person, err := local.Authenticate(httptest.NewRecorder(), r)
		var failure *strategy.Failure
		switch {
		case err == nil:
			fmt.Println("logged in:", person.Email)
		case errors.As(err, &failure):
			fmt.Println("refused with status", failure.Status)
		case errors.Is(err, strategy.ErrUnauthenticated):
			fmt.Println("refused")
		}
	}
	// Output:
	// logged in: joefoo@test.com
	// refused
	// refused with status 400
}
