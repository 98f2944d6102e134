package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// LinkerConfig is what [NewLinker] needs. Provider, Users, Owner and Link are required.
type LinkerConfig[U any] struct {
	// Provider is as for [New], or for [NewOAuth2] if it has a TokenURL. It may be that of the log-in with
	// another RedirectURL: "-link" is added to its Name. Bind is set by NewLinker.
	Provider Config
	// Fetch is that of [NewOAuth2]. Nil reads Provider.Profile.
	Fetch func(ctx context.Context, client *http.Client) (Identity, error)
	// Users is the guard whose users link accounts. It has sessions.
	Users *guard.Guard[U]
	// Owner returns the id of a user. It is never empty, and the same for ever.
	Owner func(U) string
	// Link stores that the account is owner's, as [SQLTable.Link] does: it returns [ErrLinked] if it is
	// another owner's, and does nothing if it is theirs already. Any other error is an outage. It must be
	// safe for concurrent use.
	Link func(ctx context.Context, owner string, id Identity) error
	// Guard has the settings of a second guard, whose user is the account: Error answers what the provider
	// refuses, Logger and OnEvent get its events. It has no Sessions. The zero value will do.
	Guard guard.Config
}

// Linker links accounts at a provider to users who are logged in: Passport's authorize. An attacker may have
// logged the user in to the attacker's account at the provider; once it is linked, the attacker can log in as
// the user. So a user who comes back from the provider is asked on a page whether it is the right account, and
// a button on that page links it:
//
//	link, err := oidc.NewLinker(oidc.LinkerConfig[*User]{Provider: cfg, Users: auth, Owner: userID, Link: table.Link})
//	fresh := auth.RequireFresh(10 * time.Minute)
//	start := fresh(link.Handler(ask))        // ask shows link.Pending, with a button and the subject in its form
//	mux.Handle("POST /link/google", start)   // from a button on a page of the application
//	mux.Handle("GET /link/google", start)    // Provider.RedirectURL
//	mux.Handle("POST /link/google/confirm", fresh(confirm)) // calls link.Confirm with the form's subject
//
// Start and callback must come from the same user in the same browser, callback and confirmation in the same
// session too. It is made by [NewLinker] and safe for concurrent use.
type Linker[U any] struct {
	cfg      LinkerConfig[U]
	accounts *guard.Guard[Identity]
	pending  session.Key[pendingLink]
	name     string
}

// pendingLink is what the session keeps of an account until its user confirms it.
type pendingLink struct {
	Owner   string   `json:"owner"`
	Account Identity `json:"account"`
}

// NewLinker returns every mistake in cfg at once.
func NewLinker[U any](cfg LinkerConfig[U]) (*Linker[U], error) {
	var bad []error
	wrong := func(text string) { bad = append(bad, errors.New("oidc: new linker: "+text)) }
	if cfg.Users == nil {
		wrong("Users is nil: give the guard whose users link accounts")
	}
	if cfg.Owner == nil {
		wrong("Owner is nil: pass the function that returns a user's id")
	}
	if cfg.Link == nil {
		wrong("Link is nil: pass the function that stores whose the account is, such as SQLTable.Link")
	}
	if cfg.Provider.Bind != nil {
		wrong("Provider.Bind is set: leave it out, a linker binds to the user")
	}
	if cfg.Provider.FormPost { // SameSite keeps the session's cookie from what another site posts
		wrong("Provider.FormPost is set: nobody is logged in where the provider posts its answer; leave it out, " +
			"and with Apple the scopes name and email")
	}
	if cfg.Guard.Sessions != nil {
		wrong("Guard.Sessions is set: leave it out, the session is that of Users")
	}
	l := &Linker[U]{cfg: cfg}
	account, err := l.strategy()
	if bad = append(bad, err); errors.Join(bad...) != nil {
		return nil, errors.Join(bad...)
	}
	l.name, l.pending = account.Name(), session.Key[pendingLink]("oidc:"+account.Name())
	l.accounts, err = guard.New(cfg.Guard, nil, account)
	return l, err
}

// strategy returns the strategy whose user is the account.
func (l *Linker[U]) strategy() (strategy.Strategy[Identity], error) {
	cfg := l.cfg.Provider
	cfg.Bind = func(r *http.Request) string {
		owner, _ := l.owner(r.Context())
		return owner
	}
	account := func(_ context.Context, id Identity) (Identity, error) { return id, nil }
	if cfg.TokenURL != "" {
		cfg.Name = cmp.Or(cfg.Name, "oauth2") + "-link"
		return NewOAuth2(cfg, l.cfg.Fetch, account)
	}
	cfg.Name = cmp.Or(cfg.Name, "oidc") + "-link"
	return New(cfg, account)
}

// owner returns the id of the user who is logged in.
func (l *Linker[U]) owner(ctx context.Context) (string, error) {
	user, ok := l.cfg.Users.User(ctx)
	if !ok {
		return "", fmt.Errorf("oidc: link: nobody is logged in: %w", strategy.ErrUnauthenticated)
	}
	owner := l.cfg.Owner(user)
	if owner == "" {
		return "", errors.New("oidc: link: Owner returned no id")
	}
	return owner, nil
}

// Handler returns the handler of two routes: the POST that sends the user to the provider, and the callback,
// which keeps the account in the session as [Linker.Pending] and then calls ask. It lets users of the guard
// pass; put guard.Guard.RequireFresh around it. A start that no page of the application caused is refused, see
// [Config].Bind. It panics if ask is nil.
func (l *Linker[U]) Handler(ask http.Handler) http.Handler {
	if ask == nil {
		panic("oidc: Linker.Handler: the handler is nil")
	}
	return l.cfg.Users.RequireAuth(l.accounts.Authenticate(l.name)(
		l.accounts.Handle(func(w http.ResponseWriter, r *http.Request) error {
			id, _ := l.accounts.User(r.Context())
			owner, err := l.owner(r.Context())
			if err == nil {
				err = l.pending.SetContext(r.Context(), pendingLink{owner, Identity{ // the session stays small
					Issuer: id.Issuer, Subject: id.Subject, Email: id.Email, EmailVerified: id.EmailVerified,
					Name: id.Name, Username: id.Username, Picture: id.Picture,
				}})
			}
			if err == nil {
				ask.ServeHTTP(w, r)
			}
			return err
		})))
}

// Pending returns the account that waits for [Linker.Confirm]: its issuer, its subject, and what describes it
// for people. ok is false if there is none. The error wraps [strategy.ErrUnauthenticated] if nobody is logged
// in; any other is an outage.
func (l *Linker[U]) Pending(ctx context.Context) (id Identity, ok bool, err error) {
	owner, err := l.owner(ctx)
	if err != nil {
		return id, false, err
	}
	kept, ok, err := l.pending.GetContext(ctx)
	if err != nil || !ok || kept.Owner != owner { // another user has begun it in this session
		return id, false, err
	}
	return kept.Account, true, nil
}

// Confirm links the account that waits to its user, if subject is its Identity.Subject: the page that was
// confirmed may be of another tab, and have asked about another account. It reports whether it has: not at the
// second of two clicks, nor when another account waits by now. The errors are [ErrLinked], after which the
// account waits no more, and those of Pending; after an outage it still waits, so that the user can try again.
func (l *Linker[U]) Confirm(ctx context.Context, subject string) (linked bool, err error) {
	id, ok, err := l.Pending(ctx)
	if err != nil || !ok || id.Subject != subject {
		return false, err
	}
	owner, err := l.owner(ctx)
	if err == nil {
		err = l.cfg.Link(ctx, owner, id)
	}
	if err != nil && !errors.Is(err, ErrLinked) {
		return false, err
	}
	if _, _, kept := l.pending.PopContext(ctx); kept != nil {
		return err == nil, kept
	}
	return err == nil, err
}
