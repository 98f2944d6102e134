package totp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/body"
)

// Enrolled is a user who has an authenticator app.
type Enrolled[U any] struct {
	User U
	// Account names the user in Cells and in counters. It is constant, and the same for an app that is
	// not yet confirmed: a code is valid once under each name.
	Account string
	Key     []byte // the app's, of Codes.NewKey
}

// Config is what [New] needs.
type Config[U any] struct {
	// Codes checks them; required.
	Codes *Codes
	// Enrolled returns the user whose code r brings, and their key; required. As a second
	// factor, that is the user whose log-in waits for it (guard.Guard.StepUpUser). An error that wraps
	// ErrUnauthenticated says that there is none, or that they have no app; any other is an outage.
	Enrolled func(r *http.Request) (Enrolled[U], error)
	// UseRecoveryCode removes hash from the account's recovery codes, in one step, and reports whether it
	// was there. An error is an outage. Nil means that recovery codes are not accepted.
	UseRecoveryCode func(ctx context.Context, account, hash string) (bool, error)
	// Field is the field of the body with the code; empty means "code".
	Field string
	// Name is the strategy's name, and that of the factor; empty means "totp".
	Name string
}

// Strategy authenticates by a code of an authenticator app, or by a recovery code:
// passport-totp's Strategy. It is a second factor, for guard.Guard.StepUp:
//
//	mux.Handle("POST /login/totp", auth.Authenticate("totp")(auth.StepUp(welcome)))
//
// A recovery code proves the factor too, and also "recovery", so that the application
// can ask for a new app. Six digits can be guessed: wrap it in a throttle.Throttle. It
// is made by [New] and safe for concurrent use.
type Strategy[U any] struct {
	cfg  Config[U]
	body *body.Reader
}

var _ strategy.Strategy[any] = (*Strategy[any])(nil)
var _ strategy.Claimant = (*Strategy[any])(nil)

// FactorRecovery is the factor that a recovery code proves, besides Config.Name.
const FactorRecovery = "recovery"

// New returns every mistake in cfg at once.
func New[U any](cfg Config[U]) (*Strategy[U], error) {
	if cfg.Field == "" {
		cfg.Field = "code"
	}
	if cfg.Name == "" {
		cfg.Name = "totp"
	}
	var mistakes []error
	if cfg.Codes == nil {
		mistakes = append(mistakes, errors.New("totp: new: Codes is nil: make it by NewCodes"))
	}
	if cfg.Enrolled == nil {
		mistakes = append(mistakes, errors.New("totp: new: Enrolled is nil: pass the function that finds the user's key"))
	}
	if strategy.ReservedName(cfg.Name) {
		mistakes = append(mistakes, fmt.Errorf("totp: new: Name %q is reserved: choose another", cfg.Name))
	}
	reader, err := body.One(cfg.Field, refuse)
	if err != nil {
		mistakes = append(mistakes, fmt.Errorf("totp: new: %w", err))
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Strategy[U]{cfg, reader}, nil
}

func refuse(status int, reason string, malformed bool) error {
	return &strategy.Failure{Status: status, Reason: reason, Malformed: malformed}
}

// Name implements [strategy.Strategy].
func (s *Strategy[U]) Name() string { return s.cfg.Name }

// Authenticate implements [strategy.Strategy]. Its errors are those of [Codes.Verify], Enrolled, and
// [strategy.LocalStrategy] for a bad body.
func (s *Strategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent, err := s.body.Read(r)
	if err != nil {
		return nobody, err
	}
	enrolled, err := s.cfg.Enrolled(r)
	if errors.As(err, new(*strategy.Failure)) { // such as for a locked user: the request had a code
		return nobody, fmt.Errorf("totp: %s: %w", s.Name(), &strategy.CallbackRefusal{Err: err})
	}
	if err != nil {
		return nobody, fmt.Errorf("totp: %s: %w", s.Name(), norows.Hint(err, "for a user without an app, Enrolled returns an error that wraps strategy.ErrUnauthenticated"))
	}
	factors := []string{s.Name()}
	if hash, ok := HashRecoveryCode(sent[0]); ok && s.cfg.UseRecoveryCode != nil {
		there, err := s.cfg.UseRecoveryCode(r.Context(), enrolled.Account, hash)
		if err != nil {
			return nobody, fmt.Errorf("totp: %s: recovery code: %w", s.Name(), err)
		}
		if !there {
			return nobody, errBadCode
		}
		factors = append(factors, FactorRecovery)
	} else if err := s.cfg.Codes.Verify(r.Context(), enrolled.Account, enrolled.Key, sent[0]); err != nil {
		return nobody, err
	}
	user, err := strategy.CheckUser(s.Name(), enrolled.User)
	if err == nil {
		strategy.Report(r.Context(), strategy.Info{Factors: factors})
	}
	return user, err
}

// FactorNames implements [strategy.FactorNamer]: with UseRecoveryCode, FactorRecovery too.
func (s *Strategy[U]) FactorNames() []string {
	if s.cfg.UseRecoveryCode == nil {
		return []string{s.Name()}
	}
	return []string{s.Name(), FactorRecovery}
}

// Claims implements [strategy.Claimant]: the account that Enrolled finds.
func (s *Strategy[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	_, err = s.body.Read(r)
	var enrolled Enrolled[U]
	if err == nil {
		enrolled, err = s.cfg.Enrolled(r)
	}
	switch {
	case errors.Is(err, strategy.ErrUnauthenticated):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("totp: %s: %w", s.Name(), err)
	}
	return enrolled.Account, true, nil
}
