package strategy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Enrolled is a user who has an authenticator app.
type Enrolled[U any] struct {
	User    U
	Account string // names the user in Cells and in counters; constant
	Key     []byte // the app's, of TOTP.NewKey
}

// TOTPStrategyConfig is what [NewTOTPStrategy] needs.
type TOTPStrategyConfig[U any] struct {
	// TOTP checks the codes; required.
	TOTP *TOTP
	// Enrolled returns the user whose code r brings, and their key; required. As a second
	// factor, that is the user whom the guard knows already (guard.Guard.User, behind
	// RequireAuth). An error that wraps ErrUnauthenticated says that there is none, or
	// that they have no app; any other is an outage.
	Enrolled func(r *http.Request) (Enrolled[U], error)
	// UseRecoveryCode removes hash from the account's recovery codes, in one step (DELETE …
	// WHERE user = ? AND hash = ?), and reports whether it was there. An error is an
	// outage. Nil means that recovery codes are not accepted.
	UseRecoveryCode func(ctx context.Context, account, hash string) (bool, error)
	// Field is the field of the body with the code; empty means "code".
	Field string
	// Name is the strategy's name, and that of the factor; empty means "totp".
	Name string
}

// TOTPStrategy authenticates by a code of an authenticator app, or by a recovery code:
// passport-totp's Strategy. It is a second factor, for guard.Guard.StepUp:
//
//	mux.Handle("POST /login/totp", auth.RequireAuth(auth.Authenticate("totp")(auth.StepUp(welcome))))
//
// A recovery code proves the factor too, and "recovery" beside it, so that the
// application can ask for a new app. Six digits can be guessed: wrap it in a [Throttle].
// It is made by [NewTOTPStrategy] and safe for concurrent use.
type TOTPStrategy[U any] struct {
	cfg  TOTPStrategyConfig[U]
	body *LocalStrategy[U]
}

var _ Strategy[any] = (*TOTPStrategy[any])(nil)
var _ Claimant = (*TOTPStrategy[any])(nil)

// FactorRecovery is the factor that a recovery code proves beside the strategy's own.
const FactorRecovery = "recovery"

// NewTOTPStrategy returns every mistake in cfg at once.
func NewTOTPStrategy[U any](cfg TOTPStrategyConfig[U]) (*TOTPStrategy[U], error) {
	if cfg.Field == "" {
		cfg.Field = "code"
	}
	if cfg.Name == "" {
		cfg.Name = "totp"
	}
	var mistakes []error
	if cfg.TOTP == nil {
		mistakes = append(mistakes, errors.New("strategy: new TOTP strategy: TOTP is nil: make it by NewTOTP"))
	}
	if cfg.Enrolled == nil {
		mistakes = append(mistakes, errors.New("strategy: new TOTP strategy: Enrolled is nil: pass the function that finds the user's key"))
	}
	body, err := oneField[U]("new TOTP strategy", cfg.Name, cfg.Field)
	mistakes = append(mistakes, err)
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &TOTPStrategy[U]{cfg, body}, nil
}

// Name implements [Strategy].
func (s *TOTPStrategy[U]) Name() string { return s.cfg.Name }

// Authenticate implements [Strategy]. Its errors are those of [TOTP.Verify], of
// Enrolled, and of [LocalStrategy.Authenticate] for a body that is not readable.
func (s *TOTPStrategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent, err := s.body.credentials(r)
	if err != nil {
		return nobody, err
	}
	enrolled, err := s.cfg.Enrolled(r)
	if err != nil {
		return nobody, fmt.Errorf("strategy: %s: %w", s.Name(), err)
	}
	factors := []string{s.Name()}
	if hash, ok := HashRecoveryCode(sent.email); ok && s.cfg.UseRecoveryCode != nil {
		there, err := s.cfg.UseRecoveryCode(r.Context(), enrolled.Account, hash)
		if err != nil {
			return nobody, fmt.Errorf("strategy: %s: recovery code: %w", s.Name(), err)
		}
		if !there {
			return nobody, errBadCode
		}
		factors = append(factors, FactorRecovery)
	} else if err := s.cfg.TOTP.Verify(r.Context(), enrolled.Account, enrolled.Key, sent.email); err != nil {
		return nobody, err
	}
	user, err := checked(s.Name(), enrolled.User)
	if err == nil {
		Report(r.Context(), Info{Factors: factors})
	}
	return user, err
}

// Claims implements [Claimant]: the account of the user whom Enrolled finds.
func (s *TOTPStrategy[U]) Claims(r *http.Request) (account string, ok bool) {
	if _, err := s.body.credentials(r); err != nil {
		return "", false
	}
	enrolled, err := s.cfg.Enrolled(r)
	return enrolled.Account, err == nil
}
