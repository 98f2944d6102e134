package passkey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
	"github.com/seed-6f34412b/passport/strategy/internal/signed"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// purpose is what a challenge is for.
type purpose byte

const (
	toLogIn    purpose = 'l' // for anybody
	toStepUp   purpose = 's' // for one user, whose keys the options name
	toRegister purpose = 'r' // for one user
)

// challenge is what an authenticator signs: its purpose, the second in which it expires, random bytes, a
// hash of these and the user's handle, and a MAC of all that and of the browser, which is identified by a
// random cookie. Guessing the MAC is as hard as guessing a random challenge.
type challenge []byte

const (
	endsAt        = 1
	randomAt      = endsAt + 8
	userAt        = randomAt + token.Bytes
	macAt         = userAt + sha256.Size
	challengeSize = macAt + sha256.Size
)

func (c challenge) purpose() purpose { return purpose(c[0]) }

func (c challenge) ends() time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(c[endsAt:])), 0) //nolint:gosec // the MAC is checked
}

// user returns the part of c that says for whom it is.
func (c challenge) user(handle []byte) []byte {
	if c.purpose() == toLogIn {
		handle = nil
	}
	sum := sha256.Sum256(slices.Concat(c[:userAt], handle))
	return sum[:]
}

// isFor reports whether c was made for the user with handle, or for anybody. Its MAC must have been
// checked.
func (c challenge) isFor(handle []byte) bool {
	return string(c[userAt:macAt]) == string(c.user(handle))
}

// challenges makes challenges and checks them.
type challenges struct {
	cookie  string
	secure  bool
	timeout time.Duration
	scope   []string // strategy and site
	secrets []string
	once    strategy.Counter
}

// newChallenges moves the secrets out of cfg, so that they are not printed with it.
func newChallenges[U any](cfg *Config[U]) *challenges {
	insecure, cookie := cfg.insecureHTTP(), defaultName
	if cfg.Name != defaultName {
		cookie += "." + cfg.Name
	}
	c := &challenges{
		cookie: signed.CookieName("", cookie, insecure, nil), secure: !insecure,
		timeout: cfg.Timeout, scope: []string{"passport strategy/passkey", cfg.Name, cfg.RPID},
		secrets: cfg.Secrets, once: bounded.Counter(cfg.Once),
	}
	cfg.Secrets = nil
	return c
}

// begin returns a challenge for the browser of r. handle is the user's, nil for anybody.
func (c *challenges) begin(w http.ResponseWriter, r *http.Request, for_ purpose, handle []byte) challenge {
	browser := token.New()
	for _, there := range c.browsers(r) {
		if token.Valid(there) {
			browser = there // keep it, because another tab may be using it
			break
		}
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is left out at http://localhost alone
		Name: c.cookie, Value: browser, Path: "/", MaxAge: int((c.timeout + time.Second - 1) / time.Second),
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	made := make(challenge, userAt, challengeSize)
	made[0] = byte(for_)
	binary.BigEndian.PutUint64(made[endsAt:], uint64(time.Now().Add(c.timeout).Unix())) //nolint:gosec // after 1970
	_, _ = rand.Read(made[randomAt:])                                                   // crypto/rand never fails
	made = append(made, made.user(handle)...)
	return append(made, signed.MAC(c.secrets[0], c.parts(made, browser)...)...)
}

// parts returns what the MAC of a challenge is over.
func (c *challenges) parts(made challenge, browser string) []string {
	return slices.Concat(c.scope, []string{string(made[:macAt]), browser})
}

// maxCookies is how many cookies of the same name are checked.
const maxCookies = 4

// browsers returns the cookies that identify the browser of r.
func (c *challenges) browsers(r *http.Request) (values []string) {
	for i, cookie := range r.CookiesNamed(c.cookie) {
		if i < maxCookies {
			values = append(values, cookie.Value)
		}
	}
	return values
}

// check returns the challenge in an answer if it is for one of purposes, has not expired, and was made for
// the browser of r. The caller must call isFor.
func (c *challenges) check(r *http.Request, sent string, purposes ...purpose) (challenge, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sent)
	if err != nil || len(raw) != challengeSize || encode(raw) != sent { // the decoder skips line breaks
		return nil, refuse("the challenge is not of this program")
	}
	made, browsers := challenge(raw), c.browsers(r)
	ours := slices.ContainsFunc(browsers, func(browser string) bool {
		return signed.Verify(made[macAt:], c.secrets, c.parts(made, browser)...)
	})
	switch {
	case len(browsers) == 0:
		return nil, refuse("the browser sent no cookie %s with the challenge: it was begun elsewhere, or more than %v ago", c.cookie, c.timeout)
	case !ours:
		return nil, refuse("the challenge was made for another browser, or by another program")
	case !slices.Contains(purposes, made.purpose()):
		return nil, refuse("the challenge was made for something else")
	case !time.Now().Before(made.ends()):
		return nil, refuse("the challenge is older than %v", c.timeout)
	}
	return made, nil
}

// use uses up a checked challenge. Of several simultaneous calls, one succeeds.
func (c *challenges) use(ctx context.Context, made challenge) error {
	n, _, err := c.once.Add(ctx, "passkey:"+token.Hash(string(made)), 1, c.timeout+time.Minute)
	if err != nil {
		return fmt.Errorf("use up the challenge: %w", err)
	}
	if n != 1 {
		return refuse("the challenge was used already")
	}
	return nil
}
