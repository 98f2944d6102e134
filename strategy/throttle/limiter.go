package throttle

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/seed-6f34412b/passport/strategy"
)

// Limiter limits routes that are no strategy: registrations, forgotten passwords, codes
// to verify, the present password before a change. It counts as a Throttle does, without
// known browsers. [NewLimiter] makes one; it is safe for concurrent use.
type Limiter struct{ *core }

// NewLimiter returns a limiter. cfg.Purpose names the route and is required: two limiters
// of one purpose, on one Counter, count together. It returns every mistake at once.
func NewLimiter(cfg Config) (*Limiter, error) {
	cfg.KnownFor = -1
	err := cfg.check("new limiter")
	if cfg.Purpose == "" {
		err = errors.Join(err, errors.New("throttle: new limiter: Purpose is empty: say which route it is for"))
	}
	if err != nil {
		return nil, err
	}
	return &Limiter{newCore(cfg, "limiter")}, nil
}

// Take counts a request, by its address, and by account unless that is empty: for what must
// not be done often even with right credentials, such as mailing a link. account is in the
// spelling that is looked up. The error is a [*strategy.Failure] of status 429 when there
// were too many, and an outage otherwise.
func (l *Limiter) Take(r *http.Request, account string) error {
	_, err := l.begin(r, account)
	return err
}

// Attempt counts like Take, and then calls check, whose error it returns. A success and
// an outage (an error that does not wrap strategy.ErrUnauthenticated) are subtracted
// again: for what can be guessed.
func (l *Limiter) Attempt(r *http.Request, account string, check func(ctx context.Context) error) error {
	try, err := l.begin(r, account)
	if err != nil {
		return err
	}
	if err = check(r.Context()); !errors.Is(err, strategy.ErrUnauthenticated) {
		try.withdraw(r.Context())
	}
	return err
}

// Handler counts every request before next sees it, like Take with the account of
// Config.Claims, or by address alone if that is nil. It answers 429 with Retry-After when
// there are too many, and 503 when the Counter is down.
func (l *Limiter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := l.decide(r); err != nil {
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l *Limiter) decide(r *http.Request) error {
	if l.cfg.Claims == nil {
		return l.Take(r, "")
	}
	account, ok, err := l.cfg.Claims(r)
	if err != nil {
		return err
	}
	if !ok {
		account = "" // Claims does not understand the request: count it by address
	}
	return l.Take(r, account)
}

// refuse answers a request that was not accepted.
func refuse(w http.ResponseWriter, err error) {
	var f *strategy.Failure
	if !errors.As(err, &f) {
		http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	http.Error(w, "Too many requests. Please try again later.", f.Status)
}
