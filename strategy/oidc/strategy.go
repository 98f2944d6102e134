package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// Strategy logs users in with an OpenID provider: passport-openidconnect's Strategy.
// It is made by [New] and safe for concurrent use.
type Strategy[U any] struct {
	*core
	provider *provider
	validate func(context.Context, Identity) (U, error)
}

var _ strategy.Strategy[any] = (*Strategy[any])(nil)
var _ strategy.CrossSite = (*Strategy[any])(nil)

// New returns a strategy for an OpenID provider. It sends nothing to the provider; the first
// request does, so a program can start while its provider is down.
//
// validate returns the application's user for an identity: a new one, or the one with
// this Issuer and Subject. An error that wraps [strategy.ErrUnauthenticated] refuses,
// any other is an outage, and a nil user without an error is a mistake. It must be
// safe for concurrent use. The error of New names every mistake in cfg at once.
func New[U any](cfg Config, validate func(ctx context.Context, id Identity) (U, error)) (*Strategy[U], error) {
	var bad mistakes
	cfg.complete(&bad, "oidc")
	cfg.completeOpenID(&bad)
	if validate == nil {
		bad = append(bad, errNoValidate)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	c, err := newCore(cfg)
	if err != nil {
		return nil, err
	}
	p := newProvider(&c.cfg)
	c.backend = p
	return &Strategy[U]{c, p, validate}, nil
}

var errNoValidate = errors.New("oidc: validate is nil: pass the function that returns the application's user")

// Name implements [strategy.Strategy].
func (s *Strategy[U]) Name() string { return s.cfg.Name }

// Authenticate implements [strategy.Strategy]. It returns a [strategy.Redirect] for a
// request that brings no answer of the provider. A parameter return_to, a path as
// [guard.SafeReturnTo] wants it and at most 512 bytes long, is carried through and
// reported as strategy.Info.ReturnTo; a parameter max_age, in seconds, is a Config.MaxAge
// for this log-in, if it is less. A request that another site caused is refused with
// [guard.ErrCrossSite], see the package's documentation.
//
// For the callback, the errors are those of validate, a [*strategy.Failure] for what else
// is refused, with status 400 if no provider sends such a request, both in a
// [*strategy.CallbackRefusal]; and an outage if the provider is down, slow or answers nonsense. It
// reports when the
// provider saw the user's credentials, if it says so, as Info.At; but no longer ago
// than a day or Config.MaxAge, since the session's absolute limit counts from there.
func (s *Strategy[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	return authenticate(s.core, s.validate, w, r)
}

// AllowCrossSite implements [strategy.CrossSite]. It returns true for the callback,
// whose state says who began it.
func (s *Strategy[U]) AllowCrossSite(r *http.Request) bool { return s.isCallback(r) }

// backend is what differs between OpenID Connect and plain OAuth 2.0.
type backend interface {
	// client returns the endpoints and credentials of one log-in.
	client(ctx context.Context) (*oauth2.Config, error)
	// params returns the parameters that the authorization request has in addition.
	params(f *flow) []oauth2.AuthCodeOption
	// checkIssuer refuses an answer that another provider made.
	checkIssuer(ctx context.Context, iss string) error
	// identify returns whom the token response is about, and the session's labels.
	identify(ctx context.Context, f *flow, token *oauth2.Token) (Identity, []string, error)
}

// core is what both kinds of strategy share: the flow.
type core struct {
	cfg     Config
	flows   *flows
	backend backend
}

func newCore(cfg Config) (*core, error) {
	f, err := newFlows(&cfg)
	if err != nil {
		return nil, err
	}
	return &core{cfg: cfg, flows: f}, nil
}

// refuse returns a refusal with the reason for the operator.
func refuse(reason string) error { return &strategy.Failure{Reason: reason} }

// refuseUsed refuses an answer that belongs to no log-in that is under way.
func refuseUsed(reason string) error {
	return &strategy.CallbackRefusal{Err: refuse(reason), Used: true}
}

// asCallbackRefusal wraps the refusal of a provider's answer, so that guards do not begin
// another log-in for it.
func asCallbackRefusal(err error) error {
	if errors.As(err, new(*strategy.CallbackRefusal)) || !errors.Is(err, strategy.ErrUnauthenticated) {
		return err
	}
	return &strategy.CallbackRefusal{Err: err}
}

// broken wraps an error that is not a refusal: an outage of the provider, or a mistake in
// its configuration.
func (c *core) broken(verb string, err error) error {
	return fmt.Errorf("oidc: %s: %s: %w", c.cfg.Name, verb, err)
}

func (c *core) isCallback(r *http.Request) bool {
	in, _, ok, err := c.response(r)
	return ok && err == nil && in.State != ""
}

func authenticate[U any](c *core, validate func(context.Context, Identity) (U, error), w http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	in, posted, ok, err := c.response(r)
	switch {
	case err != nil:
		return nobody, asCallbackRefusal(err)
	case !ok:
		return nobody, c.start(w, r)
	case posted:
		return nobody, c.onward(r, in)
	}
	// RFC 9700 §4.2.4: the callback's address must not reach other sites.
	w.Header().Set("Referrer-Policy", "no-referrer")
	id, info, err := c.finish(w, r, in)
	if err != nil {
		return nobody, asCallbackRefusal(err)
	}
	user, err := validate(r.Context(), id)
	if err != nil {
		return nobody, asCallbackRefusal(err)
	}
	if strategy.IsNilUser(user) {
		return nobody, c.broken("validate", strategy.ErrNilUser)
	}
	info.Linking = c.links(r)
	strategy.Report(r.Context(), info)
	return user, nil
}

// bounded returns a context for all requests to the provider that one request causes.
func (c *core) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	return context.WithValue(ctx, oauth2.HTTPClient, c.cfg.HTTPClient), cancel
}

// start begins a log-in: it returns the redirect to the provider.
func (c *core) start(w http.ResponseWriter, r *http.Request) error {
	if !c.begunHere(r) {
		return c.broken("start", errElsewhere)
	}
	ctx, cancel := c.bounded(r.Context())
	defer cancel()
	client, err := c.backend.client(ctx)
	if err != nil {
		return c.broken("start", err)
	}
	f := newFlow()
	f.Bound, f.MaxAge = c.bound(r), c.maxAge(r)
	if client.RedirectURL = c.cfg.redirectURL(r); client.RedirectURL != c.cfg.RedirectURL {
		f.Redirect = client.RedirectURL
	}
	for _, target := range []string{r.URL.Query().Get("return_to"), r.PostForm.Get("return_to")} {
		if to, ok := guard.SafeReturnTo(target); ok && len(to) <= maxReturn {
			f.ReturnTo = to
			break
		}
	}
	params := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(f.Verifier)}
	for name, value := range c.cfg.AuthParams {
		params = append(params, oauth2.SetAuthURLParam(name, value))
	}
	if c.cfg.FormPost {
		params = append(params, oauth2.SetAuthURLParam("response_mode", "form_post"))
	}
	params = append(params, c.backend.params(f)...)
	if err := c.flows.put(w, r, f); err != nil {
		return c.broken("start", err)
	}
	return &strategy.Redirect{URL: client.AuthCodeURL(f.State, params...), Code: http.StatusSeeOther}
}

// bound returns what ties a flow to the request's user, if anything does.
func (c *core) bound(r *http.Request) string {
	if c.cfg.Bind == nil {
		return ""
	}
	return hashed(c.cfg.Bind(r))
}

// finish ends a log-in: it turns the provider's answer into an identity.
func (c *core) finish(w http.ResponseWriter, r *http.Request, in response) (id Identity, info strategy.Info, err error) {
	f := c.flows.take(w, r, in.State)
	if f == nil {
		return id, info, refuseUsed("this browser has no log-in under way with this state: it was begun elsewhere, with another provider, too long ago, or was used already")
	}
	ctx, cancel := c.bounded(r.Context())
	defer cancel()
	first, err := use(ctx, c.cfg.Once, "state", in.State, c.cfg.LogInTimeout)
	switch {
	case err != nil:
		return id, info, c.broken("use up the state", err)
	case !first:
		return id, info, refuseUsed("the state was used already")
	case f.Bound != c.bound(r):
		return id, info, refuse("the log-in was begun for another user of this application")
	}
	if err := c.backend.checkIssuer(ctx, in.Iss); err != nil {
		return id, info, c.outageOr("check the issuer", err)
	}
	if in.Error != "" {
		return id, info, c.answered(in.Error)
	}
	token, err := c.exchange(ctx, in.Code, f)
	if err != nil {
		return id, info, c.outageOr("exchange the code", err)
	}
	id, labels, err := c.backend.identify(ctx, f, token)
	if err != nil {
		return id, info, c.outageOr("identify the user", err)
	}
	id.Tokens, id.Posted = tokensOf(token), in.User
	info = strategy.Info{At: c.provedAt(id.AuthTime), Labels: labels, ReturnTo: f.ReturnTo}
	return id, info, nil
}

// outageOr returns a refusal as it is, and any other error as an outage during verb.
func (c *core) outageOr(verb string, err error) error {
	if errors.Is(err, strategy.ErrUnauthenticated) {
		return err
	}
	return c.broken(verb, err)
}

// provedAt returns the provider's auth_time, but not longer ago than Authenticate promises.
func (c *core) provedAt(authTime time.Time) time.Time {
	if authTime.IsZero() {
		return authTime
	}
	if limit := time.Now().Add(-max(c.cfg.MaxAge, 24*time.Hour)); authTime.Before(limit) {
		return limit
	}
	return authTime
}
