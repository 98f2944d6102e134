package remember

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
	"github.com/seed-6f34412b/passport/strategy/internal/rotating"
	"github.com/seed-6f34412b/passport/strategy/internal/signed"
)

// Config is what [New] needs.
type Config struct {
	// Cells keeps what is remembered, by hashes only: that of store.Redis or of
	// store.Memory. Required.
	Cells strategy.Cells
	// MaxAge is how long after a log-in with credentials a browser is remembered, even if
	// it comes back often; zero means 30 days. At most 400 days.
	MaxAge time.Duration
	// Grace is for how long a replaced token gets the same next token again: the time in
	// which a browser that restores many tabs sends the same cookie with all of them. Later
	// it gets another one, see [Service]. Zero means 30 seconds; at most 10 minutes.
	Grace time.Duration
	// Secrets sign the cookie, so that made-up cookies cause no read of the store. Each has at least 32
	// random bytes. The first signs; the others are former ones, whose cookies are still good: they are
	// signed again at their next use. Required.
	//
	// All processes have the same. To replace one while they are exchanged one after the other, all of them
	// first get {old, new}, then all {new, old}, and after MaxAge {new}. A process that does not have the
	// secret of a cookie forgets the browser, and a log-out there does not end the series.
	Secrets []string
	// CookieName is the cookie's name; empty means "__Host-remember", or "remember" with
	// InsecureHTTP.
	CookieName string
	// InsecureHTTP leaves out the Secure attribute. It is for development on loopback.
	InsecureHTTP bool
}

// Service logs users in again by a cookie that outlives their session: passport-remember-me.
// Give it to guard.Config.RememberMe. New makes one; it is safe for concurrent use.
//
// NIST SP 800-63B-4 §5.1 does not allow a cookie in place of an authentication: do not
// use it where that standard applies.
//
// The cookie is a series, which stays, and a token, which is replaced at every use. A token
// that is not the newest means that two parties have the cookie; which is the owner cannot
// be told. The answer is *CookieTheft, and all of the user's sessions and series end.
//
// Requests that a browser sends at once carry the same token. The first of them replaces
// it; the others, within Grace, are given the same next token. So the browser has the
// right cookie whichever answer arrives, in any order. If none arrives, because the
// connection broke or the browser crashed before it stored the cookie, it sends the
// replaced token later, at any time: it then gets another next token if the first was not
// used, and the sessions made by the first one end (Remembered.Rotated).
//
// So a lost answer logs nobody out. A theft is found when the cookie has changed hands
// between owner and thief twice, or once if one of them has used it twice in a row. Until
// then the thief has one session, which ends when the owner's browser comes. Neither a
// copy of the database nor an old cookie is enough to make the next token.
type Service struct {
	cfg      Config
	rotating *rotating.Tokens
}

const (
	defaultRemember = 30 * 24 * time.Hour
	maxRemember     = 400 * 24 * time.Hour // RFC 6265bis §5.5
	defaultGrace    = 30 * time.Second
	maxGrace        = 10 * time.Minute
)

// New returns every mistake in cfg at once.
func New(cfg Config) (*Service, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("remember: new: "+format, args...))
	}
	if strategy.IsNilUser(cfg.Cells) {
		wrong("Cells is nil: give one that keeps the tokens' hashes, such as that of store.Redis")
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
	if len(cfg.Secrets) == 0 {
		wrong("Secrets is empty: give 32 random bytes, the same to all processes, and the same after a restart")
	}
	signed.CheckSecrets(cfg.Secrets, wrong)
	cfg.Secrets = slices.Clone(cfg.Secrets)
	cfg.CookieName = signed.CookieName(cfg.CookieName, "remember", cfg.InsecureHTTP, wrong)
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Service{cfg, rotating.New(rotating.Config{
		Cells: bounded.Cells(cfg.Cells), Kind: "remember", IdleTimeout: cfg.MaxAge, MaxAge: cfg.MaxAge, Grace: cfg.Grace,
	})}, nil
}

// Remembered is what a series remembers.
type Remembered struct {
	User   string    // as given to Remember
	ID     []byte    // as given to Remember
	Stamp  []byte    // as given to Remember
	Series string    // names the series; no secret
	Since  time.Time // when Remember was called
	Labels []string  // as given to Remember
	// Rotated is when the present token was made. Sessions that the series made before should
	// end: this browser does not have their cookies, and if another one does, it is a
	// thief's.
	Rotated time.Time

	series rotating.Series
	id     string // of the series, for Update
}

// note is what a series stores about its user.
type note struct {
	ID      json.RawMessage `json:"i"`
	Written []byte          `json:"w,omitempty"` // the id as given, if encoding/json writes another spelling
	Stamp   []byte          `json:"s,omitempty"`
}

// encode returns the note with id, byte for byte: a stamp is over the id's JSON.
func encode(id, stamp []byte) (json.RawMessage, error) {
	n := note{ID: id, Stamp: stamp}
	spelled, err := json.Marshal(n.ID)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(spelled, id) {
		n.Written = id
	}
	return json.Marshal(n)
}

// remembered returns the content of the series s, whose token is text.
func remembered(s rotating.Series, text string) (Remembered, error) {
	id, _ := rotating.ID(text)
	rem := Remembered{id: id, User: s.Owner, Series: s.Name, Since: s.Since, Labels: s.Groups, Rotated: s.Made, series: s}
	var n note
	if err := json.Unmarshal(s.Data, &n); err != nil {
		return Remembered{}, errNotRemembered // not a record of this package
	}
	rem.ID, rem.Stamp = n.ID, n.Stamp
	if n.Written != nil {
		rem.ID = n.Written
	}
	return rem, nil
}

// CookieTheft is returned by [Service.Recall] for a token that was used before. It matches
// strategy.ErrUnauthenticated. The series stays until ForgetUser or ForgetSeries is called.
type CookieTheft struct {
	Remembered Remembered // what the series remembers: whose cookie it is
}

// Error implements error.
func (*CookieTheft) Error() string { return "remember: a token was used a second time" }

// Is reports whether target is ErrUnauthenticated.
func (*CookieTheft) Is(target error) bool { return target == strategy.ErrUnauthenticated }

var errNotRemembered = fmt.Errorf("%w: nobody is remembered", strategy.ErrUnauthenticated)

// Remember begins a series for user, by whose name ForgetUser ends it, and returns its
// cookie. id, which is JSON, and stamp are for the caller to find the user by, and to
// compare, when Recall returns them; they must not be secrets. labels are those of the
// log-in, such as a provider's session, by which ForgetLabel ends the series; none may be
// a user's name. Any error is an outage.
func (m *Service) Remember(ctx context.Context, user string, id, stamp []byte, labels ...string) (Remembered, *http.Cookie, error) {
	data, err := encode(id, stamp)
	if err != nil {
		return Remembered{}, nil, fmt.Errorf("remember: begin: %w", err)
	}
	series, text, err := m.rotating.Begin(ctx, user, data, labels...)
	if err != nil {
		return Remembered{}, nil, fmt.Errorf("remember: begin: %w", err)
	}
	rem, err := remembered(series, text)
	return rem, m.cookie(m.sign(text), m.cfg.MaxAge), err
}

// Update stores another id and stamp of the same user in the series of rem, which Find, Recall or
// Remember returned: after a change of the password, for instance. The series stays and gets another
// token: send cookie to the browser; copies of earlier ones are invalid. It is nil if id and stamp are as
// before, and the browser's cookie stays valid. ok is false when the series has ended. Any error is an
// outage.
func (m *Service) Update(ctx context.Context, rem Remembered, id, stamp []byte) (cookie *http.Cookie, ok bool, err error) {
	data, err := encode(id, stamp)
	var series rotating.Series
	var next string
	if err == nil {
		series, next, ok, err = m.rotating.Renew(ctx, rem.id, data)
	}
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("remember: update: %w", err)
	case next != "":
		cookie = m.cookie(m.sign(next), time.Until(series.Until))
	}
	return cookie, ok, nil
}

// Presented reports whether r has a cookie of a series.
func (m *Service) Presented(r *http.Request) bool {
	_, err := r.Cookie(m.cfg.CookieName)
	return err == nil
}

// maxSeries is how many cookies of that name are checked.
const maxSeries = 4

// sign returns the cookie's value for a token: the token, a dot and its signature.
func (m *Service) sign(text string) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(signed.MAC(m.cfg.Secrets[0], m.parts(text)...))
}

// parts returns what the signature is over. Since that includes the cookie's name, no other cookie of the
// application is accepted.
func (m *Service) parts(text string) []string { return []string{"remember", m.cfg.CookieName, text} }

// open returns the token in a cookie's value, if we signed it.
func (m *Service) open(value string) (text string, ok bool) {
	dot := strings.LastIndexByte(value, '.')
	if dot < 0 {
		return "", false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(value[dot+1:])
	text = value[:dot]
	if _, valid := rotating.Name(text); err != nil || !valid || len(mac) != sha256.Size {
		return "", false
	}
	return text, signed.Verify(mac, m.cfg.Secrets, m.parts(text)...)
}

// presented returns the tokens in the cookies that we have signed. Others never reach the store.
func (m *Service) presented(r *http.Request) (list []string) {
	for _, c := range r.CookiesNamed(m.cfg.CookieName) {
		if text, ok := m.open(c.Value); ok && len(list) < maxSeries {
			list = append(list, text)
		}
	}
	return list
}

// Recall returns whom r's cookie remembers, and the cookie that replaces it. The error
// is a [*CookieTheft] for a token that was used before, otherwise one that wraps
// [strategy.ErrUnauthenticated] when nobody is remembered; any other is an outage: the cookie must stay then.
func (m *Service) Recall(r *http.Request) (Remembered, *http.Cookie, error) {
	failed := errNotRemembered
	for _, text := range m.presented(r) {
		rem, cookie, err := m.recall(r.Context(), text)
		if err == nil || !errors.Is(err, strategy.ErrUnauthenticated) {
			return rem, cookie, err
		}
		if _, theft := errors.AsType[*CookieTheft](err); theft {
			failed = err
		}
	}
	return Remembered{}, nil, failed
}

func (m *Service) recall(ctx context.Context, text string) (Remembered, *http.Cookie, error) {
	series, next, err := m.rotating.Use(ctx, text)
	reused, theft := errors.AsType[*rotating.Reused](err)
	switch {
	case theft:
		series = reused.Series
	case errors.Is(err, rotating.ErrUnknown):
		return Remembered{}, nil, errNotRemembered
	case err != nil:
		return Remembered{}, nil, fmt.Errorf("remember: recall: %w", err)
	}
	rem, err := remembered(series, text)
	switch {
	case err != nil:
		return Remembered{}, nil, err
	case theft:
		return Remembered{}, nil, &CookieTheft{rem}
	}
	return rem, m.cookie(m.sign(next), time.Until(series.Until)), nil
}

// Valid reports whether what Recall or Remember returned is still remembered. Called after a
// session was stored, it tells whether a log-out came in between. Any error is an outage.
func (m *Service) Valid(ctx context.Context, rem Remembered) (bool, error) {
	valid, err := m.rotating.Alive(ctx, rem.series)
	if err != nil {
		return false, fmt.Errorf("remember: %w", err)
	}
	return valid, nil
}

// Find returns what the series in r's cookie remember. It changes nothing, and does not
// check that the token is the present one. Any error is an outage.
func (m *Service) Find(r *http.Request) ([]Remembered, error) {
	var list []Remembered
	for _, text := range m.presented(r) {
		name, _ := rotating.Name(text)
		series, found, err := m.rotating.Find(r.Context(), name)
		if err != nil {
			return nil, fmt.Errorf("remember: %w", err)
		}
		if rem, err := remembered(series, text); found && err == nil {
			list = append(list, rem)
		}
	}
	return list, nil
}

// Forget ends the series in r's cookie, as a log-out does, and returns what they remembered and a cookie
// that makes the browser forget them, nil when it sent none. If a series is over already, only its name is
// returned, so that a caller who tries again after an outage can still end its sessions. Any error is an
// outage: the cookie must stay then.
func (m *Service) Forget(r *http.Request) ([]Remembered, *http.Cookie, error) {
	if !m.Presented(r) {
		return nil, nil, nil
	}
	var ended []Remembered
	for _, text := range m.presented(r) {
		name, _ := rotating.Name(text)
		series, found, err := m.rotating.End(r.Context(), name)
		if err != nil {
			return ended, nil, fmt.Errorf("remember: forget: %w", err)
		}
		rem, err := remembered(series, text)
		if !found || err != nil {
			rem = Remembered{Series: name}
		}
		ended = append(ended, rem)
	}
	return ended, m.Gone(), nil
}

// MarkStolen makes every cookie of the series of that name, see Remembered, a *CookieTheft from now on,
// also after ForgetUser, and until ForgetSeries. So if an outage interrupts the caller who ends the
// sessions, the theft is found again at the cookie's next use. Any error is an outage.
func (m *Service) MarkStolen(ctx context.Context, name string) error {
	if err := m.rotating.MarkStolen(ctx, name); err != nil {
		return fmt.Errorf("remember: mark stolen: %w", err)
	}
	return nil
}

// ForgetUser ends all series of user. Any error is an outage.
func (m *Service) ForgetUser(ctx context.Context, user string) error {
	if err := m.rotating.EndAll(ctx, user); err != nil {
		return fmt.Errorf("remember: forget user: %w", err)
	}
	return nil
}

// ForgetLabel ends all series whose log-in had label. Any error is an outage.
func (m *Service) ForgetLabel(ctx context.Context, label string) error {
	if err := m.rotating.EndAll(ctx, label); err != nil {
		return fmt.Errorf("remember: forget label: %w", err)
	}
	return nil
}

// ForgetSeries ends the series of that name, see [Remembered]. Any error is an outage.
func (m *Service) ForgetSeries(ctx context.Context, name string) error {
	if _, _, err := m.rotating.End(ctx, name); err != nil {
		return fmt.Errorf("remember: forget: %w", err)
	}
	return nil
}

// Gone returns a cookie that makes the browser forget the series.
func (m *Service) Gone() *http.Cookie { return m.cookie("", 0) }

// cookie returns the cookie with value; if value is empty, the browser deletes it.
func (m *Service) cookie(value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure is left out only where InsecureHTTP asks for it
		Name: m.cfg.CookieName, Value: value, Path: "/", HttpOnly: true, Secure: !m.cfg.InsecureHTTP, SameSite: http.SameSiteLaxMode,
	}
	c.MaxAge = int(age / time.Second)
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
