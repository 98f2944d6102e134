package strategy

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/strategy/internal/body"
)

// LocalStrategy authenticates by an email (or any other login name) and a password in
// the request's body: passport-local's Strategy. [NewLocal], [NewLocalWith] and package
// password make one. It is safe for concurrent use.
//
// The body is a form (application/x-www-form-urlencoded or multipart/form-data) or
// JSON (application/json), in UTF-8. The query string is never read, unlike
// passport-local's: URLs end up in logs and histories. Both credentials must be
// strings, named once.
type LocalStrategy[U any] struct {
	name     string
	body     *body.Reader
	account  func(string) string
	validate func(ctx context.Context, email, password string) (U, error)
}

var _ Strategy[any] = (*LocalStrategy[any])(nil)
var _ Claimant = (*LocalStrategy[any])(nil)

// LocalConfig says where LocalStrategy finds its credentials. Its zero value can be
// used.
type LocalConfig struct {
	// EmailField is the field that names the user; empty means "email". A name with
	// brackets lies deeper: user[email] is the form field of that name, and in JSON
	// {"user":{"email":…}}. passport-local: usernameField.
	EmailField string
	// PasswordField is the field of the password; empty means "password".
	// passport-local: passwordField.
	PasswordField string
	// MaxBody is the size in bytes up to which a body is read; zero means 64 KiB; at most
	// 16 MiB, since it is kept in memory.
	MaxBody int64
	// Account returns the one spelling of a login name; nil means [AccountName]. validate is
	// given what it returns, and a throttle counts by it. It must be safe for concurrent use.
	Account func(name string) string
	// Name is the strategy's name; empty means "local".
	Name string
}

const mostMaxBody = 16 << 20

// NewLocal returns a strategy that takes the fields email and password, under the
// name "local": passport-local's new Strategy(verify).
//
// validate says whose they are; both are non-empty, and email is in the one spelling that
// [AccountName] returns, under which a registration has stored it. An error that wraps
// [ErrUnauthenticated] refuses them, any other error is an outage. A nil user without an
// error is a mistake of the program: 500. validate must be safe for concurrent use.
// NewLocal panics if it is nil.
//
// A validate that compares passwords itself has to follow rules that package
// strategy/password follows for you.
func NewLocal[U any](validate func(ctx context.Context, email, password string) (U, error)) *LocalStrategy[U] {
	s, err := NewLocalWith(LocalConfig{}, validate)
	if err != nil {
		panic(err)
	}
	return s
}

// NewLocalWith is [NewLocal] with other fields, another limit or another name. It
// returns every mistake in cfg at once.
func NewLocalWith[U any](cfg LocalConfig, validate func(ctx context.Context, email, password string) (U, error)) (*LocalStrategy[U], error) {
	if cfg.EmailField == "" {
		cfg.EmailField = "email"
	}
	if cfg.PasswordField == "" {
		cfg.PasswordField = "password"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = body.DefaultMax
	}
	if cfg.Account == nil {
		cfg.Account = AccountName
	}
	if cfg.Name == "" {
		cfg.Name = "local"
	}
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("strategy: new local: "+format, args...))
	}
	email, err := body.ParseField(cfg.EmailField)
	if err != nil {
		wrong("EmailField %q: %w: name it like email or user[email]", cfg.EmailField, err)
	}
	password, err2 := body.ParseField(cfg.PasswordField)
	if err2 != nil {
		wrong("PasswordField %q: %w: name it like password or user[password]", cfg.PasswordField, err2)
	}
	if err == nil && err2 == nil && (email.Within(password) || password.Within(email)) {
		wrong("EmailField %q and PasswordField %q overlap: name two fields", cfg.EmailField, cfg.PasswordField)
	}
	if cfg.MaxBody < 0 || cfg.MaxBody > mostMaxBody {
		wrong("MaxBody is %d: give a number of bytes, at most %d, or 0 for 64 KiB", cfg.MaxBody, mostMaxBody)
	}
	if ReservedName(cfg.Name) {
		wrong("Name %q is reserved: choose another", cfg.Name)
	}
	if validate == nil {
		wrong("validate is nil: pass the function that checks the credentials")
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	reader := &body.Reader{Fields: []body.Field{email, password}, Max: cfg.MaxBody, Refuse: refused}
	return &LocalStrategy[U]{cfg.Name, reader, cfg.Account, validate}, nil
}

// validateCure is the advice for a validate function that returns a database's "no rows" error.
const validateCure = "for unknown credentials, validate returns an error that wraps strategy.ErrUnauthenticated"

// Name implements [Strategy].
func (s *LocalStrategy[U]) Name() string { return s.name }

// Authenticate implements [Strategy]. Besides the errors of validate, which are
// returned unchanged, it returns a [*Failure] with status
//
//	400  a credential is missing, empty, repeated or not a string, or the body is malformed
//	413  the body is larger than LocalConfig.MaxBody
//	415  the body is neither a form nor JSON, not UTF-8, or compressed
//
// The next handler can read r.Body from its beginning, or call r.ParseForm. A form that
// was parsed earlier is used as it is.
func (s *LocalStrategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	email, password, err := s.Credentials(r)
	if err != nil {
		return nobody, err
	}
	user, err := s.validate(r.Context(), email, password)
	if err != nil {
		return nobody, norows.Hint(err, validateCure)
	}
	return CheckUser(s.name, user)
}

// Credentials returns what Authenticate gives to validate, with the same errors: for the
// handler of a registration, which stores the email under the name that log-ins look up.
func (s *LocalStrategy[U]) Credentials(r *http.Request) (email, password string, err error) {
	sent, err := s.body.Read(r)
	if err != nil {
		return "", "", err
	}
	if email = s.account(sent[0]); email == "" {
		return "", "", refused(http.StatusBadRequest, "missing credentials", true)
	}
	return email, sent[1], nil
}

// Account returns the one spelling of a login name: LocalConfig.Account.
func (s *LocalStrategy[U]) Account(name string) string { return s.account(name) }

// Claims implements [Claimant]: the email in the body.
func (s *LocalStrategy[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	email, _, err := s.Credentials(r)
	return email, err == nil, outage(err)
}
