package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// BeginLogIn returns the handler that begins a log-in, for anybody: it answers a POST with a
// PublicKeyCredentialRequestOptionsJSON. It reads nothing of the request but its cookie, and
// stores nothing. The page gives the answer to navigator.credentials.get, in a form field with
// autocomplete="username webauthn" (mediation: "conditional") or by a button, and sends the
// result to the route of Authenticate.
func (s *Strategy[U]) BeginLogIn(auth *guard.Guard[U]) http.Handler {
	return s.posted(auth, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, s.requestOptions(w, r, toLogIn, nil, nil))
	}))
}

// BeginStepUp returns the handler that begins a second factor, for the user whose log-in is in
// the session, also one that waits for it (guard.Guard.StepUpUser): like BeginLogIn, with the
// user's passkeys by name. A user without one gets a 404.
func (s *Strategy[U]) BeginStepUp(auth *guard.Guard[U]) http.Handler {
	return s.posted(auth, auth.Restore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := auth.StepUpUser(r)
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		account, list, err := s.passkeysOf(r, user)
		switch {
		case err != nil:
			s.fail(auth, w, r, err)
		case len(list) == 0:
			auth.Error(w, r, &strategy.Failure{Status: http.StatusNotFound, Reason: "the user has no passkey"})
		default:
			answerJSON(w, http.StatusOK, s.requestOptions(w, r, toStepUp, account.Handle, descriptors(list)))
		}
	})))
}

func (s *Strategy[U]) requestOptions(w http.ResponseWriter, r *http.Request, for_ purpose, handle []byte, allow []protocol.CredentialDescriptor) any {
	return &protocol.PublicKeyCredentialRequestOptions{
		Challenge:          protocol.URLEncodedBase64(s.challenges.begin(w, r, for_, handle)),
		Timeout:            int(s.cfg.Timeout.Milliseconds()),
		RelyingPartyID:     s.cfg.RPID,
		AllowedCredentials: allow,
		UserVerification:   protocol.UserVerificationRequirement(s.cfg.Policy.UserVerification),
	}
}

// FinishLogIn returns the handler that logs a user in: its POST has what navigator.credentials.get returned to
// the page, an AuthenticationResponseJSON. It answers 204, and the page goes where it wants. A refusal is
// answered by [Strategy.FailureHandler]. For guard.LogInOptions, or another answer, write the route as
// guard.Guard.AuthenticateWith and LogInWith. It panics if the strategy is not one of auth.
func (s *Strategy[U]) FinishLogIn(auth *guard.Guard[U]) http.Handler {
	return s.finish(auth, (*guard.Guard[U]).LogIn)
}

// FinishStepUp is FinishLogIn for a second factor, after BeginStepUp: guard.Guard.StepUp.
func (s *Strategy[U]) FinishStepUp(auth *guard.Guard[U]) http.Handler {
	return s.finish(auth, (*guard.Guard[U]).StepUp)
}

func (s *Strategy[U]) finish(
	auth *guard.Guard[U], remember func(*guard.Guard[U], http.Handler) http.Handler,
) http.Handler {
	if auth == nil {
		panic(noGuard)
	}
	by := guard.Options{Strategies: []string{s.cfg.Name}, FailureHandler: s.FailureHandler}
	done := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return s.posted(auth, auth.AuthenticateWith(by)(remember(auth, done)))
}

// BeginRegistration returns the handler that begins a new passkey of the user, who has logged in at most
// Config.FreshFor ago: it answers a POST with a PublicKeyCredentialCreationOptionsJSON,
// for navigator.credentials.create. A user with too many passkeys gets a 409.
func (s *Strategy[U]) BeginRegistration(auth *guard.Guard[U]) http.Handler {
	return s.posted(auth, s.fresh(auth, http.StatusOK, func(w http.ResponseWriter, r *http.Request, user U) (any, error) {
		account, list, err := s.mayRegister(r, user)
		if err != nil {
			return nil, err
		}
		return s.creationOptions(w, r, account, list), nil
	}))
}

func (s *Strategy[U]) creationOptions(w http.ResponseWriter, r *http.Request, account Account, list []Credential) any {
	attestation := protocol.PreferNoAttestation
	if s.cfg.Policy.Roots != nil {
		attestation = protocol.PreferDirectAttestation
	}
	required := s.cfg.Policy.ResidentKey == Required
	return &protocol.PublicKeyCredentialCreationOptions{
		RelyingParty: protocol.RelyingPartyEntity{ID: s.cfg.RPID, CredentialEntity: protocol.CredentialEntity{Name: s.cfg.RPName}},
		User: protocol.UserEntity{
			ID: protocol.URLEncodedBase64(account.Handle), DisplayName: account.DisplayName,
			CredentialEntity: protocol.CredentialEntity{Name: account.Name},
		},
		Challenge:             protocol.URLEncodedBase64(s.challenges.begin(w, r, toRegister, account.Handle)),
		Parameters:            s.site.parameters(),
		Timeout:               int(s.cfg.Timeout.Milliseconds()),
		CredentialExcludeList: descriptors(list),
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &required, // Level 1's name
			ResidentKey:        protocol.ResidentKeyRequirement(s.cfg.Policy.ResidentKey),
			UserVerification:   protocol.UserVerificationRequirement(s.cfg.Policy.UserVerification),
		},
		Attestation: attestation,
	}
}

// FinishRegistration returns the handler that stores the new passkey: the body of its POST is what
// navigator.credentials.create returned to the page, a RegistrationResponseJSON. It answers
// 201 with the member passkey, as [Strategy.List] has it, and [Signals]. A refusal is 400, or 409 for a
// passkey that is registered already, with the reason in Config.Logger.
//
// The log-in has proved the passkey then, as by StepUp, and gets a new session id
// (guard.Guard.AddFactors): the user has just shown it, and is not asked for it on the next page.
func (s *Strategy[U]) FinishRegistration(auth *guard.Guard[U]) http.Handler {
	return s.posted(auth, s.fresh(auth, http.StatusCreated, func(_ http.ResponseWriter, r *http.Request, user U) (any, error) {
		done, c, err := s.register(r, user)
		if err == nil {
			s.addFactors(auth, r, user, c)
		}
		return done, err
	}))
}

// addFactors adds the passkey that was just registered to the factors of user's log-in. If that fails, the
// passkey is stored anyway, and the next page asks for it.
func (s *Strategy[U]) addFactors(auth *guard.Guard[U], r *http.Request, user U, c Credential) {
	err := auth.AddFactors(r, user, s.factors(c, c.UserVerified)...)
	if err != nil && !errors.Is(err, strategy.ErrUnauthenticated) { // expected if a token in the request found the user
		s.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "passkey not counted as a factor yet",
			slog.String("strategy", s.cfg.Name), slog.String("route", r.Pattern), slog.Any("error", err))
	}
}

type registered struct {
	Passkey Summary `json:"passkey"`
	Signals Signals `json:"signals"`
}

func (s *Strategy[U]) register(r *http.Request, user U) (done registered, c Credential, err error) {
	body, err := readJSON(r)
	if err != nil {
		return done, c, err
	}
	answer, err := parseAttestation(body)
	if err != nil {
		return done, c, err
	}
	asked, err := s.challenges.check(r, answer.Response.CollectedClientData.Challenge, toRegister)
	if err != nil {
		return done, c, err
	}
	account, list, err := s.mayRegister(r, user) // checked again, because several registrations may have begun at once
	if err != nil {
		return done, c, err
	}
	if !asked.isFor(account.Handle) {
		return done, c, refuse("the challenge was made for another user")
	}
	if c, err = s.site.verifyAttestation(answer, encode(asked)); err != nil {
		return done, c, err
	}
	if err := s.challenges.use(r.Context(), asked); err != nil {
		return done, c, err
	}
	c.Created = time.Now().UTC().Truncate(time.Second)
	if err := s.cfg.Credentials.Add(r.Context(), user, c); err != nil {
		return done, c, err
	}
	return registered{summary(c), s.signals(account, append(list, c))}, c, nil
}

// mayRegister is passkeysOf with an error if the user may not have another passkey.
func (s *Strategy[U]) mayRegister(r *http.Request, user U) (Account, []Credential, error) {
	account, list, err := s.passkeysOf(r, user)
	if err == nil && len(list) >= s.cfg.MaxPerUser {
		err = &strategy.Failure{Status: http.StatusConflict, Reason: "the user has as many passkeys as Config.MaxPerUser allows"}
	}
	return account, list, err
}

// passkeysOf returns the Account of user and their passkeys.
func (s *Strategy[U]) passkeysOf(r *http.Request, user U) (Account, []Credential, error) {
	account, err := s.account(r.Context(), user)
	if err != nil {
		return account, nil, err
	}
	list, err := s.cfg.Credentials.List(r.Context(), user)
	if err != nil {
		return account, nil, fmt.Errorf("list passkeys: %w", err)
	}
	return account, list, nil
}

func descriptors(list []Credential) []protocol.CredentialDescriptor {
	all := make([]protocol.CredentialDescriptor, len(list))
	for i, c := range list {
		all[i] = protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: c.ID}
		for _, t := range c.Transports {
			all[i].Transport = append(all[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return all
}

// posted allows only POST requests from a page of the site.
func (s *Strategy[U]) posted(auth *guard.Guard[U], next http.Handler) http.Handler {
	return s.unsafe(auth, http.MethodPost, next)
}

const noGuard = "passkey: the guard is nil: make it by guard.New before the handlers"

// unsafe is posted for a route with the method allow.
func (s *Strategy[U]) unsafe(auth *guard.Guard[U], allow string, next http.Handler) http.Handler {
	if auth == nil {
		panic(noGuard)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method):
			w.Header().Set("Allow", allow)
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		case s.cross.Check(r) != nil:
			auth.Error(w, r, fmt.Errorf("passkey: the page is at none of Config.Origins: %w", guard.ErrCrossSite))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// fresh is answers for a fresh log-in with all factors only.
func (s *Strategy[U]) fresh(auth *guard.Guard[U], status int, what answerer[U]) http.Handler {
	return auth.RequireFresh(s.cfg.FreshFor)(s.answers(auth, status, what))
}

// answerer returns the answer to a user's request, which is sent as JSON.
type answerer[U any] func(w http.ResponseWriter, r *http.Request, user U) (any, error)

// answers returns a handler that answers with status and the result of what, or with its error.
func (s *Strategy[U]) answers(auth *guard.Guard[U], status int, what answerer[U]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, ok := auth.User(r.Context())
		if !ok {
			auth.Error(w, r, strategy.ErrUnauthenticated)
			return
		}
		v, err := what(w, r, user)
		if err != nil {
			s.fail(auth, w, r, err)
			return
		}
		answerJSON(w, status, v)
	})
}

// fail answers an error of a request whose user is logged in. A refusal is a 400, because after a 401 the
// page would log in again. The guard answers outages.
func (s *Strategy[U]) fail(auth *guard.Guard[U], w http.ResponseWriter, r *http.Request, err error) {
	var f *strategy.Failure
	refusal := strategy.Failure{Status: http.StatusBadRequest, Reason: err.Error()}
	switch {
	case errors.Is(err, ErrExists), errors.Is(err, ErrLast):
		refusal.Status = http.StatusConflict
	case errors.As(err, &f):
		refusal = *f
		if f.Status == 0 {
			refusal.Status = http.StatusBadRequest
		}
	case !errors.Is(err, strategy.ErrUnauthenticated):
		auth.Error(w, r, fmt.Errorf("passkey: %s: %w", s.cfg.Name, err))
		return
	}
	s.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "passkey refused",
		slog.String("strategy", s.cfg.Name), slog.String("route", r.Pattern), slog.Int("status", refusal.Status), slog.String("reason", refusal.Reason))
	auth.Error(w, r, &refusal)
}

// answerJSON writes v, with a header that forbids caching.
func answerJSON(w http.ResponseWriter, status int, v any) { answer(w, status, "application/json", v) }

func answer(w http.ResponseWriter, status int, media string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("passkey: internal error: " + err.Error())
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
