package main

import (
	"context"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
	"github.com/seed-6f34412b/passport/strategy/oidc"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

const siteName = "Harbour" // on pages, in mails and in authenticator apps

// app is the application.
type app struct {
	options
	pages    map[string]*template.Template
	users    users
	mail     func(letter)
	outbox   *outbox // nil with -smtp
	rules    *policy.Policy
	sessions *session.Manager
	rows     serializer.Serializer[*User]
	auth     *guard.Guard[*User]
	acting   *guard.Acting[*User]
	local    *strategy.LocalStrategy[*User]
	attempts *throttle.Throttle[*User] // around local
	apps     *totp.SQLTable
	passkeys *passkey.Strategy[*User]
	keys     *apikey.Keys

	passkeyTable *passkey.SQLTable[*User]
	identities   *oidc.SQLTable
	link         *oidc.Linker[*User] // nil without a provider

	mails, guesses *throttle.Limiter // of mails that a client causes, and of the present password

	passwords, magic, oldAddress, newAddress *onetime.Links[*User]
}

// must returns v, or panics with a setupError, which newApp returns.
func must[T any](v T, err error) T {
	if err != nil {
		panic(setupError{err})
	}
	return v
}

type setupError struct{ error }

// newApp returns the application, for a server that listens there. Its error is a mistake in the flags.
func newApp(ctx context.Context, o options, listens *net.TCPAddr) (a *app, err error) {
	defer func() {
		if failed := recover(); failed != nil {
			a, err = nil, failed.(setupError).error // a fault of the program panics on
		}
	}()
	o.complete(ctx, listens)
	secrets, plain, proxies := []string{o.secret}, !o.secure(), must(guard.ParseProxies(o.proxies))
	db, b, stored := openBackend(ctx, o)
	a = &app{options: o, users: users{sqlx.NewDb(db, "")}, pages: parsePages()}
	if o.smtp == "" {
		a.outbox = new(outbox)
		a.mail = a.outbox.add
	} else {
		a.mail = newMailer(ctx, o)
	}
	rules := policy.Config{MaxBytes: 1024, Blocklist: []string{siteName}}
	if o.breached != "" {
		list := policy.RangeConfig{URL: o.breached, UserAgent: siteName, FailOpen: true}
		rules.Breached = must(policy.NewRange(list))
	}
	a.rules = must(policy.New(rules))
	byID := serializer.ByID(userID, a.users.byID)
	stamp := func(u *User) string { return u.Stamp + u.Email } // a link ends with either
	mailed := onetime.LinksConfig[*User]{
		Tokens: b.Tokens, TTL: time.Hour, Users: serializer.WithStamp(byID, stamp),
	}
	links := func(purpose string) *onetime.Links[*User] {
		mailed.Purpose = purpose
		return must(onetime.NewLinks(mailed))
	}
	a.passwords, a.oldAddress, a.newAddress = links("password"), links("old address"), links("new address")
	mailed.TTL, mailed.Bind = 10*time.Minute, session.Binding // a log-in only where it was asked for
	a.magic = links("log-in")
	kept := session.Config{
		Store: stored, Codec: session.SecureCookie(secrets...), InsecureHTTP: plain,
		IdleTimeout: 12 * time.Hour, AbsoluteTimeout: 14 * 24 * time.Hour,
	}
	if !plain { // browsers may bind their sessions to the device: docs/DEVICE-BOUND.md
		kept.DeviceBound = session.DeviceBound{Lifetime: 10 * time.Minute, Origin: o.url}
	}
	a.sessions = must(session.New(kept))

	// Guesses are limited per account and per IP address. Browsers that the account knows have their own
	// limit.
	limits := throttle.Config{
		Counter: b.Counter, Secrets: secrets, TrustedProxies: proxies, InsecureHTTP: plain,
	}
	guesses, mails := limits, limits
	guesses.Purpose, mails.Purpose = "present password", "mail"
	mails.AccountAttempts, mails.AddressAttempts = 5, 30
	a.guesses, a.mails = must(throttle.NewLimiter(guesses)), must(throttle.NewLimiter(mails))
	byEmail := password.LookupFunc[*User](a.users.byEmail)
	a.local = must(password.New(byEmail, password.Config{Hasher: a.hasher}))
	a.attempts = must(throttle.New(limits, a.local))
	codes := must(totp.NewCodes(totp.CodesConfig{Cells: b.Cells, Issuer: siteName}))
	a.apps = must(totp.NewSQLTable(totp.SQLConfig{
		DB: db, Codes: codes, Vault: must(totp.NewVault(secrets...)),
	}))
	pending := func(r *http.Request) (*User, error) { return a.auth.StepUpUser(r) }
	byCode := must(totp.New(totp.Config[*User]{
		Codes: codes, Enrolled: totp.SQLEnrolled(a.apps, userID, pending),
		UseRecoveryCode: a.apps.UseRecoveryCode,
	}))

	site := must(url.Parse(o.url))
	a.passkeyTable = must(passkey.NewSQLTable(passkey.SQLConfig[*User]{
		DB: db, Owner: userID, User: a.users.byID,
		Added: func(_ context.Context, u *User, _ passkey.Credential) { a.send(u.Email, "factor", "") },
	}))
	a.passkeys = must(passkey.New(passkey.Config[*User]{
		RPID: site.Hostname(), RPName: siteName, Origins: []string{o.url}, Secrets: secrets, Once: b.Counter,
		Credentials: a.passkeyTable, Account: passkeyAccount, FreshFor: o.freshFor,
	}))
	keys := must(apikey.NewSQLTable(apikey.SQLConfig{DB: db}))
	a.keys = must(apikey.NewKeys("harbour", keys))
	strategies := []strategy.Strategy[*User]{
		a.attempts, must(throttle.New(limits, byCode)), a.passkeys,
		must(a.magic.Strategy(onetime.MagicLinkConfig{})),
		must(apikey.New(apikey.Config{Prefix: "harbour", Used: keys.Used},
			apikey.SQLFind(keys, a.users.byID))),
	}
	a.identities = must(oidc.NewSQLTable(oidc.SQLConfig{DB: db}))
	if o.issuer != "" {
		find := oidc.SQLFindOrCreate(a.identities, userID, a.users.byID, a.addByIdentity)
		elsewhere := a.provider("/login/provider/callback", b.Counter)
		strategies = append(strategies, must(oidc.New(elsewhere, find)))
	}
	a.rows = serializer.WithStamp(byID, func(u *User) string { return u.Stamp })
	a.auth = must(guard.New(guard.Config{
		Sessions: a.sessions, LoginURL: "/login", StepUpURL: "/second", ErrorPage: a.errorPage,
		Factors: guard.FactorsOf(factors), Device: guard.ClientDevice(proxies...),
		TrustedProxies: proxies,
	}, a.rows, strategies...))
	acting := guard.ActingConfig[*User]{May: mayActAs, Audit: a.users.audit}
	a.acting = must(guard.NewActing(a.auth, acting))
	if o.issuer != "" {
		a.link = must(oidc.NewLinker(oidc.LinkerConfig[*User]{
			Provider: a.provider("/account/linked/callback", b.Counter), Users: a.auth, Owner: userID,
			Link: a.identities.Link, Guard: guard.Config{ErrorPage: a.errorPage},
		}))
	}
	return a, a.makeAdmin(ctx)
}

// handler returns the site. public, user, own, fresh and admins say who may pass: see access.go.
func (a *app) handler() http.Handler {
	auth, mux := a.auth, http.NewServeMux()
	welcome := auth.LogInWith(guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/account"})(nil)
	proved := auth.StepUpWith(guard.StepUpOptions{ReturnTo: true, SuccessRedirect: "/account"})(nil)
	by := func(name string, refused failure) func(http.Handler) http.Handler {
		return auth.AuthenticateWith(guard.Options{Strategies: []string{name}, FailureHandler: refused})
	}

	mux.Handle("GET /{$}", a.public(a.plain("home")))
	mux.Handle("GET /static/", http.FileServerFS(files))
	mux.Handle("GET /mailed", a.public(a.plain("mailed")))
	mux.Handle("/", a.public(func(w http.ResponseWriter, r *http.Request) error {
		return a.show(w, r, nil, "missing", form{Status: http.StatusNotFound}, nil)
	}))
	if a.outbox != nil { // only under this name of the machine
		host := must(url.Parse(a.url)).Hostname()
		mux.Handle("GET "+host+"/outbox", a.public(a.plain("outbox")))
	}

	mux.Handle("GET /register", a.public(a.plain("register")))
	mux.Handle("POST /register", a.public(a.mailLink("register", a.passwords, "taken", "registration")))
	mux.Handle("GET /register/finish", a.public(a.plain("choose")))
	mux.Handle("POST /register/finish", a.public(a.choosePassword))
	mux.Handle("GET /forgot", a.public(a.plain("forgot")))
	mux.Handle("POST /forgot", a.public(a.mailLink("forgot", a.passwords, "reset", "")))
	mux.Handle("GET /reset", a.public(a.plain("choose")))
	mux.Handle("POST /reset", a.public(a.choosePassword))

	mux.Handle("GET /login", a.public(a.logInPage))
	mux.Handle("POST /login", by("local", a.logInFailed)(welcome))
	mux.Handle("POST /login/link", a.public(a.mailLink("login", a.magic, "magic", "")))
	mux.Handle("GET /login/link", a.public(a.plain("magic")))
	mux.Handle("POST /login/link/use", auth.Restore(by("magic-link", a.deadLink)(welcome)))
	mux.Handle("POST /login/passkey/options", a.passkeys.BeginLogIn(auth))
	mux.Handle("POST /login/passkey", a.passkeys.FinishLogIn(auth))
	mux.Handle("GET /second", a.public(empty(a.showSecond)))
	mux.Handle("POST /second", by("totp", a.secondFailed)(proved))
	mux.Handle("POST /second/passkey/options", a.passkeys.BeginStepUp(auth))
	mux.Handle("POST /second/passkey", a.passkeys.FinishStepUp(auth))
	mux.Handle("POST /logout", auth.LogOut(http.RedirectHandler("/?left", http.StatusSeeOther)))

	mux.Handle("GET /account", a.user(a.account))
	mux.Handle("POST /account/name", a.user(a.setName))
	mux.Handle("GET /account/devices", a.own(a.devices))
	mux.Handle("POST /account/devices/end", a.own(a.endDevice))
	mux.Handle("POST /account/devices/others", a.own(a.endOthers))
	mux.Handle("GET /account/live", a.own(a.plain("live")))
	mux.Handle("GET /account/live/stream", a.own(a.live))
	mux.Handle("GET /account/kept", a.fresh(a.plain("kept")))
	mux.Handle("POST /account/kept", a.fresh(a.removeKept))
	mux.Handle("GET /account/password", a.fresh(a.plain("password")))
	mux.Handle("POST /account/password", a.fresh(a.setPassword))
	mux.Handle("GET /account/email", a.fresh(a.plain("email")))
	mux.Handle("POST /account/email", a.fresh(a.changeEmail))
	mux.Handle("GET /email/old", a.public(a.plain("confirm")))
	mux.Handle("POST /email/old", a.public(
		a.confirmEmail(a.oldAddress, a.mailNewAddress, "Confirmed. Now open the link in the mail to ")))
	mux.Handle("GET /email/new", a.own(a.plain("confirm")))
	mux.Handle("POST /email/new", a.own(a.confirmEmail(a.newAddress, a.setEmail, "Your address is ")))
	mux.Handle("GET /account/security", a.fresh(a.security))
	mux.Handle("POST /account/authenticator", a.fresh(a.newAuthenticator))
	mux.Handle("GET /account/authenticator", a.fresh(empty(a.showAuthenticator)))
	mux.Handle("POST /account/authenticator/confirm", a.fresh(a.confirmAuthenticator))
	mux.Handle("POST /account/authenticator/remove", a.fresh(a.removeAuthenticator))
	mux.Handle("GET /account/recovery", a.fresh(a.recoveryPage))
	mux.Handle("POST /account/recovery", a.fresh(a.newRecoveryCodes))
	mux.Handle("POST /account/recovery/saved", a.fresh(a.saveRecoveryCodes))
	mux.Handle("POST /account/passkeys/options", a.acting.RequireSelf(a.passkeys.BeginRegistration(auth)))
	mux.Handle("POST /account/passkeys", a.acting.RequireSelf(a.passkeys.FinishRegistration(auth)))
	mux.Handle("POST /account/passkeys/rename", a.fresh(a.renamePasskey))
	mux.Handle("POST /account/passkeys/remove", a.fresh(a.removePasskey))
	mux.Handle("GET /account/keys", a.fresh(empty(a.showKeys)))
	mux.Handle("POST /account/keys", a.fresh(a.newKey))
	mux.Handle("POST /account/keys/revoke", a.fresh(a.revokeKey))
	mux.Handle("GET /api/me", auth.Authenticate("session", "apikey")(auth.Handle(a.me)))
	mux.Handle("GET /account/delete", a.fresh(a.plain("delete")))
	mux.Handle("POST /account/delete", a.fresh(a.deleteAccount))
	if a.link != nil {
		start := auth.Authenticate("provider")(welcome)
		mux.Handle("GET /login/provider", start)
		mux.Handle("GET /login/provider/callback", start)
		asks := a.acting.RequireSelf(a.link.Handler(auth.Handle(a.askToLink)))
		linking := auth.RequireFresh(a.freshFor)(asks)
		mux.Handle("GET /account/linked", a.fresh(a.linked))
		mux.Handle("POST /account/linked/start", linking)
		mux.Handle("GET /account/linked/callback", linking)
		mux.Handle("POST /account/linked/confirm", a.fresh(a.confirmLink))
		mux.Handle("POST /account/linked/remove", a.fresh(a.unlink))
	}

	if a.secure() {
		mux.Handle(a.sessions.DeviceBound())
	}
	mux.Handle("GET /admin", auth.RequireFresh(a.freshFor)(a.admins(a.adminPage)))
	mux.Handle("POST /admin/act", auth.RequireFresh(a.freshFor)(a.admins(a.act)))
	mux.Handle("POST /admin/stop", a.admins(a.stopActing))

	// Requests that no guard checks, such as a registration, must not come from another site either.
	return a.secured(auth.RefuseCrossSite(http.MaxBytesHandler(mux, 64<<10)))
}
