package oidc

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
	"golang.org/x/oauth2"
)

// maxFlows is how many log-ins one browser can have under way with one provider: tabs
// that were opened at once, and some that were given up.
const maxFlows = 5

// maxReturn is the longest return-to that a flow carries, in bytes. Longer ones would make
// cookies that servers refuse.
const maxReturn = 512

// flow is one log-in under way. It has a cookie of its own, so that log-ins in several tabs
// do not disturb each other.
type flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n,omitempty"`
	Verifier string `json:"v"`
	Began    int64  `json:"t"` // Unix seconds
	ReturnTo string `json:"r,omitempty"`
	Bound    string `json:"b,omitempty"` // hash of what Config.Bind returned
	Redirect string `json:"u,omitempty"` // one of Config.RedirectURLs; empty for RedirectURL

	MaxAge time.Duration `json:"m,omitempty"` // how long ago the provider may have seen the user's credentials
}

func newFlow() *flow {
	return &flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Began: time.Now().Unix()}
}

// flows keeps the flows of one strategy in the browser. The cookies are encrypted and
// signed with keys that belong to the strategy's name, issuer and client: a flow that
// was begun with another provider cannot be opened.
type flows struct {
	prefix string // of the cookies' names
	life   time.Duration
	secure bool
	boxes  []*box
}

// box seals and opens under one secret. It hides the library's type, which prints its keys.
type box struct {
	seal func(name string, value any) (string, error)
	open func(name, sealed string, value any) error
}

func newFlows(cfg *Config) (*flows, error) {
	f := &flows{prefix: "__Host-oidc." + cfg.Name + ".", life: cfg.LogInTimeout, secure: !cfg.InsecureHTTP}
	if !f.secure {
		f.prefix = strings.TrimPrefix(f.prefix, "__Host-")
	}
	for _, secret := range cfg.CookieSecrets {
		purpose := strings.Join([]string{"passport strategy/oidc flow", cfg.Name, cfg.Issuer, cfg.ClientID}, "\x00")
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 64)
		if err != nil {
			return nil, fmt.Errorf("oidc: derive keys: %w", err)
		}
		c := securecookie.New(key[:32], key[32:]).SetSerializer(securecookie.NopEncoder{}).
			MaxAge(int((f.life + time.Second - 1) / time.Second)).MaxLength(8192)
		f.boxes = append(f.boxes, &box{c.Encode, c.Decode})
	}
	cfg.CookieSecrets = nil // they are not printed with the strategy
	return f, nil
}

// seal encrypts v for the given name; only open with the same name gets it back.
func (f *flows) seal(name string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return f.boxes[0].seal(name, plain)
}

// open returns what seal was given, unless it is older than a log-in may be.
func (f *flows) open(name, sealed string, v any) bool {
	for _, b := range f.boxes {
		var plain []byte
		if b.open(name, sealed, &plain) == nil {
			return json.Unmarshal(plain, v) == nil
		}
	}
	return false
}

// name returns the name of the cookie of the flow with this state.
func (f *flows) name(state string) string { return f.prefix + hashed(state)[:16] }

// CookieNames returns the one name, ending in "*", that stands for the cookies of all log-ins under way, for
// guard.Guard.ProxyTransport.
func (c *core) CookieNames() []string { return []string{c.flows.prefix + "*"} }

// put sets the cookie of a flow. If the browser has too many, the oldest is removed.
func (f *flows) put(w http.ResponseWriter, r *http.Request, fl *flow) error {
	name := f.name(fl.State)
	value, err := f.seal(name, fl)
	if err != nil {
		return fmt.Errorf("seal the flow: %w", err)
	}
	f.makeRoom(w, r)
	f.setCookie(w, name, value, int((f.life+time.Second-1)/time.Second))
	return nil
}

// makeRoom expires cookies of this strategy until there is room for one more: first those
// that cannot be opened, then the oldest.
func (f *flows) makeRoom(w http.ResponseWriter, r *http.Request) {
	var oldest string
	var began int64
	alive := 0
	for i, c := range f.cookies(r) {
		var fl flow
		if i >= 4*maxFlows || !f.open(c.Name, c.Value, &fl) {
			f.setCookie(w, c.Name, "", -1)
			continue
		}
		if alive++; alive == 1 || fl.Began < began {
			oldest, began = c.Name, fl.Began
		}
	}
	if alive >= maxFlows {
		f.setCookie(w, oldest, "", -1)
	}
}

func (f *flows) cookies(r *http.Request) []*http.Cookie {
	var own []*http.Cookie
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, f.prefix) {
			own = append(own, c)
		}
	}
	return own
}

// take returns the flow that this browser began with this state, or nil, and expires its
// cookie.
func (f *flows) take(w http.ResponseWriter, r *http.Request, state string) *flow {
	name := f.name(state)
	sent := r.CookiesNamed(name)
	if len(sent) == 0 {
		return nil
	}
	f.setCookie(w, name, "", -1)
	for i, c := range sent {
		var fl flow
		if i < 4 && f.open(name, c.Value, &fl) && subtle.ConstantTimeCompare([]byte(fl.State), []byte(state)) == 1 {
			return &fl
		}
	}
	return nil
}

// setCookie sets one of this strategy's cookies for maxAge seconds, or expires it.
func (f *flows) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is left out with InsecureHTTP alone
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: f.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
