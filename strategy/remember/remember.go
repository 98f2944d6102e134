package remember

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// Config is what [New] needs.
type Config struct {
	// Cells keeps what is remembered, by hashes only: store.NewRedisCells or
	// store.NewMemoryCells. Required.
	Cells strategy.Cells
	// MaxAge is how long after a log-in with credentials a browser is remembered, however
	// often it comes back; zero means 30 days. At most 400 days.
	MaxAge time.Duration
	// Grace is how long the token before the present one is still accepted: the time in
	// which a browser that restores many tabs sends the same cookie with all of them. Zero
	// means 30 seconds; at most 10 minutes.
	Grace time.Duration
	// CookieName is the cookie's name; empty means "__Host-remember", or "remember" with
	// InsecureHTTP.
	CookieName string
	// InsecureHTTP leaves out the Secure attribute. It is for development on loopback.
	InsecureHTTP bool
}

// Me logs users in again by a cookie that outlives their session:
// passport-remember-me. guard.Config takes it and does the work; it is made by
// [New] and safe for concurrent use.
//
// NIST SP 800-63B-4 §5.1 lets no cookie stand for an authentication in this way: leave it
// out where that has to be followed.
//
// The cookie is a series, which stays, and a token, which changes at every use. Who
// presents an old token of a series has a copy of the cookie, or it is the owner whose
// copy somebody else has used: both are answered with [*CookieTheft], upon which all of
// the user's sessions and series end.
//
// Requests that a browser sends at once carry the same token. The first of them changes
// it; the others, within Grace, are given the same next token, which can be told from
// the presented one and a random value that is kept. So whichever answer reaches the
// browser, and in whatever order, it has the right cookie, and a lost answer is made up
// for by a retry within Grace; a later one counts as theft. Neither a copy of the database nor an old cookie is enough to make the next token.
type Me struct{ cfg Config }

const (
	defaultRemember = 30 * 24 * time.Hour
	maxRemember     = 400 * 24 * time.Hour // RFC 6265bis §5.5
	defaultGrace    = 30 * time.Second
	maxGrace        = 10 * time.Minute
)

// New returns every mistake in cfg at once.
func New(cfg Config) (*Me, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("remember: new: "+format, args...))
	}
	if strategy.NoUser(cfg.Cells) {
		wrong("Cells is nil: give one that keeps the tokens' hashes, such as store.NewRedisCells")
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = defaultRemember
	}
	if cfg.MaxAge < time.Minute || cfg.MaxAge > maxRemember {
		wrong("MaxAge is %v: want a minute to 400 days, or 0 for 30 days", cfg.MaxAge)
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	if cfg.Grace < 0 || cfg.Grace > maxGrace {
		wrong("Grace is %v: a stolen token would be good as long: want at most 10 minutes, or 0 for 30 seconds", cfg.Grace)
	}
	host := strings.HasPrefix(strings.ToLower(cfg.CookieName), "__host-") || strings.HasPrefix(strings.ToLower(cfg.CookieName), "__secure-")
	switch {
	case cfg.CookieName == "" && cfg.InsecureHTTP:
		cfg.CookieName = "remember"
	case cfg.CookieName == "":
		cfg.CookieName = "__Host-remember"
	case host && cfg.InsecureHTTP:
		wrong("CookieName %q needs the Secure attribute: drop InsecureHTTP or the prefix", cfg.CookieName)
	case (&http.Cookie{Name: cfg.CookieName}).Valid() != nil: //nolint:gosec // only the name is looked at
		wrong("CookieName %q is not a cookie name (RFC 6265 §4.1.1): use letters, digits, - _ and .", cfg.CookieName)
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Me{cfg}, nil
}

// Remembered is what a series remembers.
type Remembered struct {
	User   string    // as given to Remember
	Stamp  []byte    // as given to Remember
	Series string    // names the series; no secret
	Since  time.Time // when Remember was called
	Moved  time.Time // when the present token began
	era    string
}

// CookieTheft is returned by [Me.Recall] for a token that was used before. It
// matches [strategy.ErrUnauthenticated]. The series goes on until ForgetUser is called.
type CookieTheft struct {
	Remembered Remembered // what the series remembers: whose cookie it is
}

// Error implements error.
func (*CookieTheft) Error() string { return "remember: a token was used a second time" }

// Is reports whether target is ErrUnauthenticated.
func (*CookieTheft) Is(target error) bool { return target == strategy.ErrUnauthenticated }

var errNotRemembered = fmt.Errorf("%w: nobody is remembered", strategy.ErrUnauthenticated)

// series is what Cells keep of one. Only hashes of tokens are in it.
type series struct {
	User  string `json:"u"`
	Stamp []byte `json:"s,omitempty"`
	Since int64  `json:"b"`           // Unix milliseconds
	Era   string `json:"e,omitempty"` // the user's, when the series began
	Token string `json:"h"`           // the present one
	Last  string `json:"p,omitempty"` // the one before
	Seed  []byte `json:"n,omitempty"` // makes the present one of the one before
	Moved int64  `json:"t,omitempty"` // when, in Unix milliseconds
}

func (s *series) remembered(name string) Remembered {
	return Remembered{s.User, s.Stamp, name, time.UnixMilli(s.Since), time.UnixMilli(max(s.Since, s.Moved)), s.Era}
}

// nextToken returns the token that follows sent.
func nextToken(sent string, seed []byte) string {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(sent))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:token.Bytes])
}

// name is how a series is called in Cells and in labels.
func seriesName(id string) string { return token.Hash("series", id)[:22] }

func seriesKey(name string) string { return "remember:series:" + name }
func eraKey(user string) string    { return "remember:era:" + token.Hash("era", user) }

// Remember begins a series for user and returns its cookie. stamp is for the caller to
// compare when Recall returns it; it must not be a secret. Any error is an outage.
func (m *Me) Remember(ctx context.Context, user string, stamp []byte) (Remembered, *http.Cookie, error) {
	era, err := m.era(ctx, user)
	if err != nil {
		return Remembered{}, nil, err
	}
	id, first := token.New(), token.New()
	s := series{User: user, Stamp: stamp, Since: time.Now().UnixMilli(), Era: era, Token: token.Hash(first)}
	name := seriesName(id)
	if _, swapped, err := m.swap(ctx, seriesKey(name), nil, &s, m.cfg.MaxAge); err != nil || !swapped {
		return Remembered{}, nil, fmt.Errorf("remember: begin: %w", cmpError(err))
	}
	return s.remembered(name), m.cookie(id+"."+first, m.cfg.MaxAge), nil
}

// errTaken is for the impossible: two series of one name.
var errTaken = errors.New("the random name is taken")

func cmpError(err error) error {
	if err == nil {
		return errTaken
	}
	return err
}

// era returns the user's present one, and keeps it for as long as a series that begins
// now. An era ends when all of the user's series do.
func (m *Me) era(ctx context.Context, user string) (string, error) {
	key := eraKey(user)
	for {
		era, err := m.cfg.Cells.Load(ctx, key)
		if err == nil && era == nil {
			return "", nil // none ended within MaxAge
		}
		swapped := false
		if err == nil {
			_, swapped, err = m.cfg.Cells.Swap(ctx, key, era, era, m.cfg.MaxAge)
		}
		if err != nil {
			return "", fmt.Errorf("remember: %w", err)
		}
		if swapped {
			return string(era), nil
		}
	}
}

// swap writes s, or removes it when it is nil. Found bytes that are those of s are its
// own, its answer lost.
func (m *Me) swap(ctx context.Context, key string, old []byte, s *series, ttl time.Duration) (found []byte, swapped bool, err error) {
	var text []byte
	if s != nil {
		if text, err = json.Marshal(s); err != nil {
			return nil, false, err
		}
	}
	found, swapped, err = m.cfg.Cells.Swap(ctx, key, old, text, ttl)
	return found, swapped || err == nil && s != nil && bytes.Equal(found, text), err
}

// Presented reports whether r has a cookie that may be remembered.
func (m *Me) Presented(r *http.Request) bool {
	_, err := r.Cookie(m.cfg.CookieName)
	return err == nil
}

// maxSeries is how many cookies of the name are looked at.
const maxSeries = 4

// presented yields the series and token of each cookie that has the form of ours.
func (m *Me) presented(r *http.Request) (list [][2]string) {
	for _, c := range r.CookiesNamed(m.cfg.CookieName) {
		id, secret, _ := strings.Cut(c.Value, ".")
		if token.Valid(id) && token.Valid(secret) && len(list) < maxSeries {
			list = append(list, [2]string{id, secret})
		}
	}
	return list
}

// Recall returns whom r's cookie remembers, and the cookie that replaces it. The error
// is a [*CookieTheft] for a token that was used before, otherwise one that wraps
// [strategy.ErrUnauthenticated] when nobody is remembered; any other is an outage: the cookie must stay then.
func (m *Me) Recall(r *http.Request) (Remembered, *http.Cookie, error) {
	failed := errNotRemembered
	for _, p := range m.presented(r) {
		rem, cookie, err := m.recall(r.Context(), p[0], p[1])
		if err == nil || !errors.Is(err, strategy.ErrUnauthenticated) {
			return rem, cookie, err
		}
		if _, theft := errors.AsType[*CookieTheft](err); theft {
			failed = err
		}
	}
	return Remembered{}, nil, failed
}

func (m *Me) recall(ctx context.Context, id, sent string) (Remembered, *http.Cookie, error) {
	name := seriesName(id)
	key, presented := seriesKey(name), token.Hash(sent)
	raw, err := m.cfg.Cells.Load(ctx, key)
	for {
		if err != nil {
			return Remembered{}, nil, fmt.Errorf("remember: %w", err)
		}
		var s series
		if raw == nil || json.Unmarshal(raw, &s) != nil {
			return Remembered{}, nil, errNotRemembered
		}
		now := time.Now()
		left := time.UnixMilli(s.Since).Add(m.cfg.MaxAge).Sub(now)
		if left < time.Millisecond {
			return Remembered{}, nil, errNotRemembered
		}
		var era []byte
		era, err = m.cfg.Cells.Load(ctx, eraKey(s.User))
		switch {
		case err != nil:
			return Remembered{}, nil, fmt.Errorf("remember: %w", err)
		case string(era) != s.Era:
			return Remembered{}, nil, errNotRemembered
		case sameText(s.Last, presented) && now.Sub(time.UnixMilli(s.Moved)) <= m.cfg.Grace:
			return s.remembered(name), m.cookie(id+"."+nextToken(sent, s.Seed), left), nil
		case !sameText(s.Token, presented):
			return Remembered{}, nil, &CookieTheft{s.remembered(name)}
		}
		seed := []byte(token.New())
		following := nextToken(sent, seed)
		s.Last, s.Token, s.Seed, s.Moved = presented, token.Hash(following), seed, now.UnixMilli()
		var swapped bool
		if raw, swapped, err = m.swap(ctx, key, raw, &s, left); swapped {
			return s.remembered(name), m.cookie(id+"."+following, left), nil
		}
	}
}

func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Valid reports whether what Recall or Remember returned is still remembered. Asked after a session
// was stored, it tells whether a log-out came in between. Any error is an outage.
func (m *Me) Valid(ctx context.Context, rem Remembered) (bool, error) {
	raw, err := m.cfg.Cells.Load(ctx, seriesKey(rem.Series))
	var era []byte
	if err == nil {
		era, err = m.cfg.Cells.Load(ctx, eraKey(rem.User))
	}
	if err != nil {
		return false, fmt.Errorf("remember: %w", err)
	}
	return raw != nil && string(era) == rem.era, nil
}

// Find returns what the series in r's cookie remember. It changes nothing, and does not
// look whether the token is the present one. Any error is an outage.
func (m *Me) Find(r *http.Request) ([]Remembered, error) {
	var list []Remembered
	for _, p := range m.presented(r) {
		name := seriesName(p[0])
		raw, err := m.cfg.Cells.Load(r.Context(), seriesKey(name))
		if err != nil {
			return nil, fmt.Errorf("remember: %w", err)
		}
		var s series
		if raw != nil && json.Unmarshal(raw, &s) == nil {
			list = append(list, s.remembered(name))
		}
	}
	return list, nil
}

// Forget ends the series in r's cookie, as a log-out does, and returns what they
// remembered and a cookie that makes the browser forget them, nil when it sent none. Any error is an
// outage: the cookie must stay then.
func (m *Me) Forget(r *http.Request) ([]Remembered, *http.Cookie, error) {
	if !m.Presented(r) {
		return nil, nil, nil
	}
	var ended []Remembered
	for _, p := range m.presented(r) {
		rem, err := m.end(r.Context(), seriesName(p[0]))
		if err != nil {
			return ended, nil, err
		}
		if rem != nil {
			ended = append(ended, *rem)
		}
	}
	return ended, m.Gone(), nil
}

// ForgetUser ends all series of user. Any error is an outage.
func (m *Me) ForgetUser(ctx context.Context, user string) error {
	key, era := eraKey(user), []byte(token.New())
	old, err := m.cfg.Cells.Load(ctx, key)
	for err == nil {
		var swapped bool
		old, swapped, err = m.cfg.Cells.Swap(ctx, key, old, era, m.cfg.MaxAge)
		if err == nil && (swapped || bytes.Equal(old, era)) {
			return nil
		}
	}
	return fmt.Errorf("remember: forget user: %w", err)
}

// ForgetSeries ends the series of that name, see [Remembered]. Any error is an outage.
func (m *Me) ForgetSeries(ctx context.Context, name string) error {
	_, err := m.end(ctx, name)
	return err
}

// end removes a series and returns what it remembered, nil when there was none.
func (m *Me) end(ctx context.Context, name string) (*Remembered, error) {
	raw, err := m.cfg.Cells.Load(ctx, seriesKey(name))
	for err == nil && raw != nil {
		old := raw
		var swapped bool
		if raw, swapped, err = m.swap(ctx, seriesKey(name), old, nil, 0); err == nil && swapped {
			var s series
			if json.Unmarshal(old, &s) == nil {
				rem := s.remembered(name)
				return &rem, nil
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("remember: forget: %w", err)
	}
	return nil, nil
}

// Gone returns a cookie that makes the browser forget the series.
func (m *Me) Gone() *http.Cookie { return m.cookie("", 0) }

// cookie returns the cookie with value; empty makes the browser forget it.
func (m *Me) cookie(value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure is left out only where InsecureHTTP asks for it
		Name: m.cfg.CookieName, Value: value, Path: "/", HttpOnly: true, Secure: !m.cfg.InsecureHTTP, SameSite: http.SameSiteLaxMode,
	}
	c.MaxAge = int(age / time.Second)
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
