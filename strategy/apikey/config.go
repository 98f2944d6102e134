package apikey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// Config is what [New] needs.
type Config struct {
	// Prefix is the beginning of the application's keys, as given to NewKeys; required.
	Prefix string
	// Headers are the header fields that carry a key and nothing else; nil means X-API-Key,
	// an empty slice none.
	Headers []string
	// Scheme is the scheme under which the Authorization header carries a key; empty means
	// Bearer. A value without the prefix is left to other strategies.
	Scheme string
	// Realm is in the challenge of a refusal; empty means Prefix.
	Realm string
	// Used stores when a key was used (UPDATE … SET used = ? WHERE id = ?). It is called
	// before Authenticate returns, at most once a minute for a key in one process; an error
	// is logged and refuses nothing. If nil, it is not used.
	Used func(ctx context.Context, id string, at time.Time) error
	// Logger is for errors of Used and damaged hashes; nil means slog.Default().
	Logger *slog.Logger
	// Name is the strategy's name; empty means "apikey".
	Name string
}

// New returns every mistake in cfg at once.
func New[U any](cfg Config, find Find[U]) (*Strategy[U], error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("apikey: new: "+format, args...))
	}
	if !validPrefix(cfg.Prefix) {
		wrong("Prefix: %w", errPrefix(cfg.Prefix))
	}
	if cfg.Headers == nil {
		cfg.Headers = []string{"X-API-Key"}
	}
	for _, name := range cfg.Headers {
		switch canonical := http.CanonicalHeaderKey(name); {
		case !isToken(name):
			wrong("Headers has %q, which is no field name (RFC 9110 §5.1): use letters, digits and hyphens", name)
		case canonical == "Authorization" || canonical == "Cookie" || canonical == "Proxy-Authorization":
			wrong("Headers has %q, which browsers fill in by themselves: use another, and Scheme for Authorization", name)
		}
	}
	switch {
	case cfg.Scheme == "":
		cfg.Scheme = "Bearer"
	case !isToken(cfg.Scheme):
		wrong("Scheme is %q, which is no auth-scheme (RFC 9110 §11.1): use letters, digits and hyphens", cfg.Scheme)
	}
	for _, own := range []string{"Basic", "Digest", "Negotiate", "NTLM"} {
		if strings.EqualFold(cfg.Scheme, own) {
			wrong("Scheme is %q, whose credentials browsers add by themselves: use another, or leave it empty for Bearer", cfg.Scheme)
		}
	}
	if cfg.Realm == "" {
		cfg.Realm = cfg.Prefix
	}
	if strings.ContainsFunc(cfg.Realm, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		wrong("Realm is %q: use printable ASCII without quotes and backslashes", cfg.Realm)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Name == "" {
		cfg.Name = "apikey"
	}
	if strategy.ReservedName(cfg.Name) {
		wrong("Name %q is reserved: choose another", cfg.Name)
	}
	if find == nil {
		wrong("find is nil: pass the function that finds a key and its user")
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Strategy[U]{cfg: cfg, find: find}, nil
}

// isToken reports whether s is a token of RFC 9110 §5.6.2, limited to the usual characters.
func isToken(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
