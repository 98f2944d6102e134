package passkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/strategy"
)

// Strategy logs users in by their passkeys, and makes the handlers for passkeys. It is made by
// [New] and safe for concurrent use.
type Strategy[U any] struct {
	cfg        Config[U]
	site       *site
	challenges *challenges
	cross      *http.CrossOriginProtection
}

var _ strategy.Strategy[any] = (*Strategy[any])(nil)
var _ strategy.FactorNamer = (*Strategy[any])(nil)
var _ strategy.Claimant = (*Strategy[any])(nil)

// The suffixes that follow Config.Name in the names of the factors.
const (
	suffixVerified = ":verified"
	suffixDevice   = ":device"
)

// New returns a strategy for the passkeys of a site. Its error names every mistake in cfg at once.
func New[U any](cfg Config[U]) (*Strategy[U], error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Strategy[U]{site: newSite(&cfg), challenges: newChallenges(&cfg), cross: http.NewCrossOriginProtection()}
	for _, origin := range s.site.origins {
		if err := s.cross.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("passkey: Config.Origins: %w", err)
		}
	}
	s.cfg = cfg
	return s, nil
}

// Name implements [strategy.Strategy].
func (s *Strategy[U]) Name() string { return s.cfg.Name }

// FactorNames implements [strategy.FactorNamer].
func (s *Strategy[U]) FactorNames() []string {
	return []string{s.cfg.Name, s.cfg.Name + suffixVerified, s.cfg.Name + suffixDevice}
}

// CookieNames returns the name of the cookie that says which browser began, for
// guard.Guard.ProxyTransport.
func (s *Strategy[U]) CookieNames() []string { return []string{s.challenges.cookie} }

// Claims implements [strategy.Claimant]: a passkey's answer names no account. The bool tells the guard a
// refused answer from a missing one.
func (s *Strategy[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	body, err := readJSON(r)
	if err == nil {
		_, err = parseAssertion(body)
	}
	switch {
	case errors.Is(err, strategy.ErrUnauthenticated):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("passkey: %s: %w", s.cfg.Name, err)
	}
	return "", true, nil
}

// Authenticate implements [strategy.Strategy]. The body of r is what navigator.credentials.get
// returned to the page: an AuthenticationResponseJSON, to a challenge of BeginLogIn or
// BeginStepUp. It reports an [Assertion] as Info.Detail. Its refusals are
//
//	400  the body is no such answer
//	401  the answer is wrong or has expired; see Strategy.FailureHandler for an unknown passkey
//	413  the body is larger than 64 KiB
//	415  the body is not JSON
func (s *Strategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	user, assertion, err := s.authenticate(r)
	if err != nil {
		if !errors.Is(err, strategy.ErrUnauthenticated) {
			err = fmt.Errorf("passkey: %s: %w", s.cfg.Name, err)
		}
		return nobody, err
	}
	strategy.Report(r.Context(), strategy.Info{Factors: s.factors(assertion.Credential, assertion.UserVerified), Detail: assertion})
	return user, nil
}

// factors returns the names of the factors that c proves. verified says whether the authenticator verified
// its user.
func (s *Strategy[U]) factors(c Credential, verified bool) []string {
	names := []string{s.cfg.Name}
	if verified {
		names = append(names, s.cfg.Name+suffixVerified)
	}
	if !c.BackupEligible {
		names = append(names, s.cfg.Name+suffixDevice)
	}
	return names
}

func (s *Strategy[U]) authenticate(r *http.Request) (user U, a Assertion, err error) {
	body, err := readJSON(r)
	if err != nil {
		return user, a, err
	}
	answer, err := parseAssertion(body)
	if err != nil {
		return user, a, err
	}
	asked, err := s.challenges.check(r, answer.Response.CollectedClientData.Challenge, toLogIn, toStepUp)
	if err != nil {
		return user, a, err
	}
	ctx := r.Context()
	c, user, err := s.find(ctx, answer.RawID)
	if err != nil {
		return user, a, err
	}
	account, err := s.account(ctx, user)
	if err != nil {
		return user, a, err
	}
	if err := sameUser(answer.Response.UserHandle, account.Handle, asked); err != nil {
		return user, a, err
	}
	if err := s.site.verifyAssertion(answer, encode(asked), &c); err != nil {
		return user, a, err
	}
	if err := s.use(ctx, asked, answer, &c); err != nil {
		return user, a, err
	}
	verified := answer.Response.AuthenticatorData.Flags.UserVerified() && c.UserVerified
	return user, Assertion{Credential: c, UserVerified: verified, Model: Model(c.AAGUID)}, nil
}

// find returns the passkey with this id, and its user.
func (s *Strategy[U]) find(ctx context.Context, id []byte) (Credential, U, error) {
	c, user, err := s.cfg.Credentials.Find(ctx, id)
	switch {
	case errors.Is(err, ErrUnknown):
		return c, user, &unknown{id, err}
	case errors.Is(err, strategy.ErrUnauthenticated):
		return c, user, err
	case err != nil:
		return c, user, norows.Hint(fmt.Errorf("find a passkey: %w", err), "for an unknown id, Credentials.Find must return passkey.ErrUnknown")
	}
	user, err = strategy.CheckUser(s.cfg.Name, user)
	return c, user, err
}

// account calls Config.Account for user, and checks the result.
func (s *Strategy[U]) account(ctx context.Context, user U) (Account, error) {
	a, err := s.cfg.Account(ctx, user)
	switch {
	case err != nil:
		return a, fmt.Errorf("the account of a user: %w", err)
	case len(a.Handle) < minHandle || len(a.Handle) > maxHandle:
		return a, fmt.Errorf("Account.Handle has %d bytes: give each user %d to %d random ones, made by NewHandle, and store them", len(a.Handle), minHandle, maxHandle)
	case a.Name == "":
		return a, errors.New("Account.Name is empty: give what the user logs in with")
	}
	if a.DisplayName == "" {
		a.DisplayName = a.Name
	}
	return a, nil
}

// sameUser refuses a passkey whose user is not the one named by the challenge or the answer, and an answer
// that names no user if the challenge does not either. Level 3 §7.2, the step about the user.
func sameUser(sent, handle []byte, asked challenge) error {
	switch {
	case !asked.isFor(handle):
		return refuse("the challenge was made for another user")
	case len(sent) == 0 && asked.purpose() == toLogIn:
		return refuse("the answer names no user: a passkey that the authenticator finds itself names one")
	case len(sent) > 0 && string(sent) != string(handle):
		return refuse("the answer names another user than the passkey's")
	}
	return nil
}

// use uses up the challenge and stores what changed in the passkey. It comes last, so that nothing is
// stored for visitors without a passkey.
func (s *Strategy[U]) use(ctx context.Context, asked challenge, answer *protocol.ParsedCredentialAssertionData, c *Credential) error {
	data := &answer.Response.AuthenticatorData
	if c.wentBack(data.Counter) {
		return wentBack(c, data.Counter)
	}
	if err := s.challenges.use(ctx, asked); err != nil {
		return err
	}
	const attempts = 5
	for range attempts {
		was := c.SignCount
		// The larger counter is kept: another use may have stored one meanwhile, in another tab or by
		// another copy of a synced passkey.
		c.SignCount, c.BackedUp, c.LastUsed = max(was, data.Counter), data.Flags.HasBackupState(), time.Now().UTC().Truncate(time.Second)
		done, err := s.cfg.Credentials.Update(ctx, *c, was)
		if err != nil {
			return fmt.Errorf("update a passkey: %w", err)
		}
		if done {
			return nil
		}
		if *c, _, err = s.find(ctx, c.ID); err != nil {
			return err
		}
		if c.wentBack(data.Counter) {
			return wentBack(c, data.Counter)
		}
	}
	return errors.New("update a passkey: Credentials.Update reports every time that SignCount changed: does it compare with the stored one?")
}

func wentBack(c *Credential, signCount uint32) error {
	return refuse("the counter of a key that cannot be copied went back from %d to %d: somebody has copied it. Remove the passkey", c.SignCount, signCount)
}
