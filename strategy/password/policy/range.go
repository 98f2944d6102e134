package policy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// RangeConfig has the options of NewRange. Its zero value asks Have I Been Pwned and
// fails closed.
type RangeConfig struct {
	// URL is what the five digits are appended to; empty means
	// https://api.pwnedpasswords.com/range/. Plain http is for loopback only.
	URL string
	// UserAgent names the application, as the service asks; empty means "passport".
	UserAgent string
	// Timeout bounds one request; zero means 2 seconds; at most a minute.
	Timeout time.Duration
	// FailOpen lets a password pass when the service does not answer, and logs that. False
	// is the safe choice: Check returns the outage, and no password can be chosen until the
	// service is back.
	FailOpen bool
	// Client sends the requests; nil means one that follows no redirects.
	Client *http.Client
	// Logger gets a line for what FailOpen lets pass; nil means slog.Default().
	Logger *slog.Logger
}

// Range is a [BreachChecker] that asks a service by the range protocol of Have I Been
// Pwned: it sends the first 5 of the 40 hex digits of the password's SHA-1, which some
// thousand other stolen passwords share, and looks for the rest in the answer. It asks for
// padding, so that the size of the answer reveals nothing. It is made by [NewRange].
//
// https://haveibeenpwned.com/API/v3#PwnedPasswords
type Range struct{ cfg RangeConfig }

var _ BreachChecker = (*Range)(nil)

const (
	pwnedPasswords = "https://api.pwnedpasswords.com/range/" //nolint:gosec // an address
	prefixDigits   = 5
	maxRange       = 1 << 20 // the largest answer in bytes; usual ones have about 40 kB
)

// NewRange returns every mistake in cfg at once.
func NewRange(cfg RangeConfig) (*Range, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("policy: new range: "+format, args...))
	}
	if cfg.URL == "" {
		cfg.URL = pwnedPasswords
	}
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		wrong("URL is %q: give the address before the five digits, such as %s", cfg.URL, pwnedPasswords)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		wrong("URL is %q, on which others can read and forge the answer: use https", cfg.URL)
	case !strings.HasSuffix(cfg.URL, "/"):
		wrong("URL is %q: give it a slash at the end, since the digits follow it", cfg.URL)
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "passport"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Timeout < time.Millisecond || cfg.Timeout > time.Minute {
		wrong("Timeout is %v: give a millisecond to a minute, or 0 for 2 seconds", cfg.Timeout)
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Range{cfg}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Breached implements [BreachChecker]. An error is an outage of the service, or of ctx;
// with FailOpen only the latter is returned.
func (c *Range) Breached(ctx context.Context, password string) (bool, error) {
	hash := sha1Of(password)
	found, err := c.ask(ctx, hash[:prefixDigits], hash[prefixDigits:])
	switch {
	case err == nil:
		return found, nil
	case !c.cfg.FailOpen || ctx.Err() != nil:
		return false, fmt.Errorf("policy: range: %w", err)
	}
	c.cfg.Logger.WarnContext(ctx, "policy: range: the service does not answer; a password was accepted unchecked", "error", err)
	return false, nil
}

func (c *Range) ask(ctx context.Context, prefix, suffix string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.URL+prefix, nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Add-Padding", "true")
	r.Header.Set("User-Agent", c.cfg.UserAgent)
	answer, err := c.cfg.Client.Do(r)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) { // drop the URL, which contains the digits
			err = at.Err
		}
		return false, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the service answers with status %d", answer.StatusCode)
	}
	return search(io.LimitReader(answer.Body, maxRange+1), suffix)
}

var errRange = errors.New("the service's answer is not a list of hashes: check the URL")

// search reads the whole answer, because stopping early would show what was found. A line is the other 35
// digits of a hash, a colon, and a number of times; padding has the number 0.
func search(answer io.Reader, suffix string) (found bool, err error) {
	lines, size := bufio.NewScanner(answer), 0
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if size += len(line) + 1; size > maxRange {
			return false, errRange
		}
		if line == "" {
			continue
		}
		digits, count, ok := strings.Cut(line, ":")
		seen, err := strconv.ParseUint(count, 10, 64)
		if !ok || err != nil || len(digits) != len(suffix) || !isHex(digits) {
			return false, errRange
		}
		found = found || seen > 0 && strings.EqualFold(digits, suffix)
	}
	if err := lines.Err(); err != nil {
		return false, err
	}
	if size == 0 {
		return false, errRange // each prefix has hundreds of hashes
	}
	return found, nil
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }
