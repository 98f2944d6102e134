package strategytest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

// Directory is what the strategy asks of an LDAP client. Each method uses a connection
// of its own, or one of a pool, and gives up when ctx ends.
type Directory interface {
	// Search returns the names of the entries in which attribute is value, the client
	// having escaped value (RFC 4515 §3).
	Search(ctx context.Context, attribute, value string) (names []string, err error)
	// Bind logs in as the entry name. The bool is false for the result code 49,
	// invalidCredentials (RFC 4511 §4.1.9); anything else unwelcome is an error.
	Bind(ctx context.Context, name, password string) (bool, error)
}

var errNotInDirectory = fmt.Errorf("%w: ldap: unknown user or wrong password", strategy.ErrUnauthenticated)

// NewLDAP returns a strategy of the name "ldap": LocalStrategy reads the form, the
// directory checks the password, and find returns the application's user for an entry.
func NewLDAP[U any](dir Directory, find func(ctx context.Context, name string) (U, error)) (*strategy.LocalStrategy[U], error) {
	cfg := strategy.LocalConfig{Name: "ldap", EmailField: "username"}
	return strategy.NewLocalWith(cfg, func(ctx context.Context, username, password string) (U, error) {
		var nobody U
		names, err := dir.Search(ctx, "uid", username)
		if err != nil {
			return nobody, fmt.Errorf("ldap: search: %w", err) // an outage
		}
		if len(names) != 1 {
			return nobody, errNotInDirectory
		}
		ok, err := dir.Bind(ctx, names[0], password)
		if err != nil {
			return nobody, fmt.Errorf("ldap: bind: %w", err) // an outage
		}
		if !ok {
			return nobody, errNotInDirectory
		}
		return find(ctx, names[0])
	})
}

// offices is a directory with one entry, or one that is down.
type offices struct{ down error }

func (d offices) Search(_ context.Context, attribute, value string) ([]string, error) {
	if d.down != nil || attribute != "uid" || value != "jen" {
		return nil, d.down
	}
	return []string{"uid=jen,ou=people,dc=example,dc=com"}, nil
}

func (d offices) Bind(_ context.Context, _, password string) (bool, error) {
	return password == "P4ssword!", d.down
}

// A strategy over something that checks passwords itself, such as a directory.
func Example_ldap() {
	asName := func(_ context.Context, name string) (string, error) { return name, nil }
	for _, row := range []struct {
		dir  offices
		form string
	}{
		{offices{}, "username=jen&password=P4ssword!"},
		{offices{}, "username=jen&password=guess"},
		{offices{}, "username=nobody&password=guess"},
		{offices{errors.New("no route to host")}, "username=jen&password=P4ssword!"},
	} {
		ldap, err := NewLDAP(row.dir, asName)
		if err != nil {
			panic(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(row.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		user, err := ldap.Authenticate(httptest.NewRecorder(), r)
		fmt.Printf("%q, %v\n", user, err)
	}
	// Output:
	// "uid=jen,ou=people,dc=example,dc=com", <nil>
	// "", strategy: not authenticated: ldap: unknown user or wrong password
	// "", strategy: not authenticated: ldap: unknown user or wrong password
	// "", ldap: search: no route to host
}
