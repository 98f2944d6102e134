package password

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/strategy"
)

// Accounts is what a password check needs of the users table. It is safe for concurrent
// use.
type Accounts[U any] interface {
	// Lookup returns the user with email and the stored hash of the password, empty for
	// a user without a password. email is what Config.Account returns: in lower case by
	// default, as registrations have stored it.
	//
	// An error that wraps strategy.ErrUnauthenticated refuses the log-in: no such user, or
	// one who is locked or disabled; with it, Lookup returns the user's hash, if there is
	// one, so that the refusal costs the same work. Any other error is an outage.
	Lookup(ctx context.Context, email string) (user U, hash string, err error)
}

// LookupFunc is a function used as [Accounts].
type LookupFunc[U any] func(ctx context.Context, email string) (user U, hash string, err error)

// Lookup implements [Accounts].
func (f LookupFunc[U]) Lookup(ctx context.Context, email string) (user U, hash string, err error) {
	return f(ctx, email)
}

// Rehasher is an ability of Accounts: to store a stronger hash of the same password at
// a log-in, when the stored one is weaker than new ones.
type Rehasher[U any] interface {
	// Rehash stores hash for user if the stored hash is still old, in one step
	// (UPDATE … WHERE id = ? AND hash = ?): a password that was changed in the
	// meantime must not come back. It returns the user as stored now, so that a
	// security stamp made from the hash stays right. An error, also that nothing was
	// stored, leaves the log-in as it is and is logged.
	Rehash(ctx context.Context, user U, old, hash string) (U, error)
}

// Config has the options of New and NewCheck. Its zero value can be used.
type Config struct {
	Hasher Hasher       // nil means a new Bcrypt with its defaults
	Logger *slog.Logger // nil means slog.Default(); no address, password or hash is logged
	// Account returns the one spelling of a login name, as Lookup gets it; nil means
	// strategy.AccountName. See strategy.LocalConfig.
	Account func(name string) string
}

// Check compares passwords with a users table. Unknown user, wrong password, no
// password, a user whom Lookup refuses and an unreadable stored hash all give the same
// error after the same work, one [Hasher].Verify: the answer does not tell who has an
// account (OWASP ASVS 5.0, 6.3.8). Only the time of Lookup itself may differ.
//
// [NewCheck] makes one; it is safe for concurrent use.
type Check[U any] struct {
	accounts Accounts[U]
	cfg      Config
}

// NewCheck returns a check whose Validate can be given to strategy.NewLocalWith and
// strategy.NewBasic. accounts may also be a [Rehasher]. It returns every mistake at
// once.
func NewCheck[U any](accounts Accounts[U], cfg Config) (*Check[U], error) {
	if cfg.Hasher == nil {
		cfg.Hasher = &Bcrypt{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Account == nil {
		cfg.Account = strategy.AccountName
	}
	var mistakes []error
	if strategy.IsNilUser(accounts) {
		mistakes = append(mistakes, errors.New("password: new: accounts is nil: give the users table, such as a LookupFunc"))
	}
	mistakes = append(mistakes, checkHasher(cfg.Hasher))
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &Check[U]{accounts, cfg}, nil
}

// New returns a [strategy.LocalStrategy] that looks email up in accounts and compares
// the password with the stored hash. For other fields or another name give the Validate
// of a [Check] to [strategy.NewLocalWith]. It returns every mistake at once.
func New[U any](accounts Accounts[U], cfg Config) (*strategy.LocalStrategy[U], error) {
	check, err := NewCheck(accounts, cfg)
	if err != nil {
		return nil, err
	}
	return strategy.NewLocalWith(strategy.LocalConfig{Account: cfg.Account}, check.Validate)
}

// errRefused is the answer to every refused log-in, so that no handler can reveal more than it should.
var errRefused = fmt.Errorf("%w: unknown user or wrong password", strategy.ErrUnauthenticated)

// Validate returns the user of email if password is theirs. It returns one fixed error that wraps
// [strategy.ErrUnauthenticated] when it is not, [strategy.ErrBusy] when the Hasher's queue is full, and
// the error of Lookup, wrapped, when that is an outage; only then is no work done.
//
// After a success, a hash that the Hasher would make stronger now is replaced, if
// Accounts is a [Rehasher]. That never fails the log-in.
func (c *Check[U]) Validate(ctx context.Context, email, password string) (U, error) {
	var nobody U
	user, hash, lookup := c.accounts.Lookup(ctx, c.cfg.Account(email))
	if lookup != nil && !errors.Is(lookup, strategy.ErrUnauthenticated) {
		return nobody, fmt.Errorf("password: look up: %w", norows.Hint(lookup, "for an unknown user, Lookup returns an error that wraps strategy.ErrUnauthenticated"))
	}
	attempt := password
	if lookup != nil || hash == "" {
		// Nobody may learn whether the password of a locked account was right, not even from the work that
		// a match saves. No hash is of a password that starts with NUL: Bcrypt refuses it, and nobody can
		// type one.
		attempt = "\x00" + password
	}
	err := c.cfg.Hasher.Verify(ctx, hash, attempt)
	switch {
	case errors.Is(err, ErrBadHash):
		c.cfg.Logger.WarnContext(ctx, "password: the stored hash of an account is not readable; its owner cannot log in until the hash is repaired or the password is reset", "error", err)
		return nobody, errRefused
	case err != nil && !errors.Is(err, strategy.ErrUnauthenticated):
		return nobody, fmt.Errorf("password: %w", err)
	case err != nil || lookup != nil || hash == "":
		return nobody, errRefused
	}
	if user, err = strategy.CheckUser("password", user); err != nil {
		return nobody, err
	}
	return c.rehash(ctx, user, hash, password), nil
}

// rehash replaces a weak hash and returns the user as it is stored then.
func (c *Check[U]) rehash(ctx context.Context, user U, old, password string) U {
	accounts, ok := c.accounts.(Rehasher[U])
	if !ok || !c.cfg.Hasher.NeedsRehash(old) {
		return user
	}
	hash, err := c.cfg.Hasher.Hash(ctx, password)
	if err != nil {
		c.cfg.Logger.WarnContext(ctx, "password: the stored hash is weak and was not replaced", "error", err)
		return user
	}
	stored, err := accounts.Rehash(ctx, user, old, hash)
	if err == nil {
		stored, err = strategy.CheckUser("rehash", stored)
	}
	if err != nil {
		c.cfg.Logger.WarnContext(ctx, "password: the stored hash is weak and was not replaced", "error", err)
		return user
	}
	return stored
}
