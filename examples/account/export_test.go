package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/password"
)

// Main is main.
var Main = main

// fast hashes passwords for tests.
var fast = &password.Argon2id{MemoryKiB: 64, Passes: 1, InsecureFast: true}

// Run calls run with flags, and with fast password hashes.
func Run(ctx context.Context, ready func(url string), args ...string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	o.hasher = fast
	return run(ctx, o, ready)
}

// Origin is the origin of [Site].
const Origin = "http://localhost:3000"

// Site returns the site's handler. A log-in is fresh for the given time.
func Site(t testing.TB, freshFor time.Duration, args ...string) http.Handler {
	t.Helper()
	return newSite(t, freshFor, args...).handler()
}

// SiteThatMails is [Site]. The mail server may take as long as limit for one mail.
func SiteThatMails(t testing.TB, limit time.Duration, args ...string) http.Handler {
	t.Helper()
	return newSiteThatMails(t, time.Hour, limit, args...).handler()
}

// SiteWithPasskeys is [Site], with a function that gives a user a passkey and returns its id in forms.
func SiteWithPasskeys(t testing.TB) (site http.Handler, add func(email string) (id string)) {
	t.Helper()
	a := newSite(t, time.Hour)
	return a.handler(), func(email string) string {
		u, _, err := a.users.byEmail(t.Context(), email)
		if err == nil {
			err = a.passkeyTable.Add(t.Context(), u, passkey.Credential{ID: []byte("a passkey"), Created: time.Now()})
		}
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString([]byte("a passkey"))
	}
}

// SiteWhoseMails is [Site], and calls sent for each mail after it is in the outbox.
func SiteWhoseMails(t testing.TB, sent func()) http.Handler {
	t.Helper()
	a := newSite(t, time.Hour)
	mail := a.mail
	a.mail = func(l letter) {
		mail(l)
		sent()
	}
	return a.handler()
}

// SiteWhoseHashes is [Site], and calls made after each hash of a new password. Its error is that of hashing.
func SiteWhoseHashes(t testing.TB, made func() error) http.Handler {
	t.Helper()
	a := newSite(t, time.Hour)
	a.hasher = hookedHasher{a.hasher, made}
	return a.handler()
}

type hookedHasher struct {
	password.Hasher
	made func() error
}

func (h hookedHasher) Hash(ctx context.Context, secret string) (string, error) {
	hash, err := h.Hasher.Hash(ctx, secret)
	return hash, errors.Join(err, h.made())
}

var kimElsewhere = oidc.Identity{Issuer: "https://op.example", Subject: "1", Name: "Kim elsewhere"}

// ThievesSite is [Site] where anybody can log in with any factor that they name.
type ThievesSite struct {
	http.Handler
	t testing.TB
	a *app
}

// SiteOfThieves is [Site] with one user. POST /in logs them in with the factor that is named.
func SiteOfThieves(t testing.TB) ThievesSite {
	t.Helper()
	a := newSite(t, time.Hour)
	mux := http.NewServeMux()
	mux.Handle("/", a.handler())
	var ways []strategy.Strategy[*User]
	for _, name := range []string{"local", "passkey", "totp", "recovery", "provider"} {
		ways = append(ways, strategy.Func(name, func(_ http.ResponseWriter, r *http.Request) (*User, error) {
			if r.PostFormValue("factor") != name {
				return nil, strategy.ErrUnauthenticated
			}
			return ThievesSite{a: a, t: t}.user(), nil
		}))
	}
	others, err := guard.New(guard.Config{Sessions: a.sessions}, a.rows, ways...)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("POST /in", others.Authenticate()(others.LogIn(http.RedirectHandler("/account", http.StatusSeeOther))))
	return ThievesSite{mux, t, a}
}

func (s ThievesSite) user() *User {
	list, err := s.a.users.list(s.t.Context())
	if err != nil || len(list) != 1 {
		s.t.Fatalf("%d users, %v", len(list), err)
	}
	return list[0]
}

// Exec changes the database.
func (s ThievesSite) Exec(statement string, args ...any) {
	s.t.Helper()
	if _, err := s.a.users.exec(s.t.Context(), statement, args...); err != nil {
		s.t.Fatal(err)
	}
}

// AddPasskey gives the user a passkey of the given age.
func (s ThievesSite) AddPasskey(age time.Duration) {
	s.t.Helper()
	if err := s.a.passkeyTable.Add(s.t.Context(), s.user(), passkey.Credential{ID: []byte("a passkey"), Created: time.Now().Add(-age)}); err != nil {
		s.t.Fatal(err)
	}
}

// Add gives the user a factor, and returns the form that removes it.
func (s ThievesSite) Add(factor string) (form []string) {
	s.t.Helper()
	switch factor {
	case "passkey":
		s.AddPasskey(0)
		return []string{"id", base64.RawURLEncoding.EncodeToString([]byte("a passkey"))}
	case "totp":
		s.Exec("INSERT INTO authenticators VALUES ($1, 'a key', 0, '', '', 0, '')", s.user().ID)
		return nil
	}
	if err := s.a.identities.Link(s.t.Context(), s.user().ID, kimElsewhere); err != nil {
		s.t.Fatal(err)
	}
	return []string{"issuer", "https://op.example", "subject", "1"}
}

// Passkeys returns the table of passkeys, and two users.
func Passkeys(t testing.TB, args ...string) (passkey.Credentials[*User], *User, *User) {
	t.Helper()
	a := newSite(t, time.Hour, args...)
	joe, err := a.users.add(t.Context(), "joe"+rand.Text()+"@test.example", "")
	if err != nil {
		t.Fatal(err)
	}
	jen, err := a.users.add(t.Context(), "jen"+rand.Text()+"@test.example", "")
	if err != nil {
		t.Fatal(err)
	}
	return uncounted{a.passkeyTable}, joe, jen
}

// FirstLogInElsewhere is the first log-in by a provider, with a verified address.
func FirstLogInElsewhere(t testing.TB, email string) (*User, error) {
	t.Helper()
	return newSite(t, time.Hour).addByIdentity(t.Context(), oidc.Identity{Issuer: "https://op.example", Subject: rand.Text(), Email: email, EmailVerified: true})
}

// uncounted sets the count of a user's passkeys to 0, since the kit compares whole users.
type uncounted struct{ *passkey.SQLTable[*User] }

func (t uncounted) Find(ctx context.Context, id []byte) (passkey.Credential, *User, error) {
	c, u, err := t.SQLTable.Find(ctx, id)
	if u != nil {
		u.Passkeys, u.PasskeysSince = 0, 0
	}
	return c, u, err
}

func newSite(t testing.TB, freshFor time.Duration, args ...string) *app {
	t.Helper()
	return newSiteThatMails(t, freshFor, subprocess.Patience, args...)
}

func newSiteThatMails(t testing.TB, freshFor, mailTime time.Duration, args ...string) *app {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	o, err := parse(append([]string{"-breached", "", "-db", "", "-redis", "", "-admin", "admin@test.example"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	o.hasher, o.freshFor, o.mailTime = fast, freshFor, mailTime
	a, err := newApp(ctx, o, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = a.users.db.Close()
	})
	return a
}
