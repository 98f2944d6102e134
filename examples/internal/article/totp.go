package article

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// authenticators stores the users' authenticator apps. It is safe for concurrent use. A real
// application has two tables for it, with encrypted keys.
type authenticators struct {
	codes   *totp.Codes
	app     *app // asked for the user who is logged in
	mu      sync.Mutex
	used    map[int64]device // in use
	offered map[int64]device // shown, but not yet confirmed by a code
}

// device is an authenticator app.
type device struct {
	key      []byte
	recovery map[string]bool // hashes of the recovery codes that are left
}

func newAuthenticators(cells strategy.Cells, a *app) (*authenticators, error) {
	codes, err := totp.NewCodes(totp.CodesConfig{Cells: cells, Issuer: "Passport example"})
	if err != nil {
		return nil, err
	}
	return &authenticators{codes: codes, app: a, used: map[int64]device{}, offered: map[int64]device{}}, nil
}

// strategy returns the second factor, whose guessing is slowed down.
func (t *authenticators) strategy() (strategy.Strategy[*User], error) {
	codes, err := totp.New(totp.Config[*User]{
		Codes: t.codes, Enrolled: t.enrolled, UseRecoveryCode: t.useRecoveryCode,
	})
	if err != nil {
		return nil, err
	}
	return throttle.New(t.app.limits(""), strategy.Strategy[*User](codes))
}

// factors is for guard.Config.Factors: users with an app are asked for its code everywhere.
func (t *authenticators) factors(_ context.Context, user *User) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used[user.ID].key == nil {
		return nil, nil
	}
	return []string{"totp"}, nil
}

// routes adds what -totp offers: the app's set-up in two steps, the second factor, and a
// page that asks everyone for it.
func (t *authenticators) routes(mux *http.ServeMux) {
	auth := t.app.auth
	mux.Handle("POST /auth/totp/new", auth.RequireFresh(fresh)(t.replacing(http.HandlerFunc(t.offer))))
	mux.Handle("POST /auth/totp/confirm", auth.RequireFresh(fresh)(enrolling(auth.Authenticate("totp")(t.confirm(auth.StepUp(text("Your authenticator app is set up")))))))
	mux.Handle("POST /auth/totp", auth.Authenticate("totp")(auth.StepUp(text("You proved a second factor"))))
	mux.Handle("GET /vault", auth.RequireFactor("totp", fresh)(text("You can only see this with a second factor")))
}

// fresh is how old a proof may be for what is sensitive.
const fresh = 10 * time.Minute

// offer makes a key and recovery codes, and shows them once. They are used only after a code
// has shown that they arrived.
func (t *authenticators) offer(w http.ResponseWriter, r *http.Request) {
	user, _ := t.app.auth.User(r.Context())
	d := device{t.codes.NewKey(), map[string]bool{}}
	codes, hashes := totp.NewRecoveryCodes(10)
	for _, hash := range hashes {
		d.recovery[hash] = true
	}
	t.mu.Lock()
	t.offered[user.ID] = d
	t.mu.Unlock()
	t.app.answer(w, http.StatusCreated, map[string]any{"url": t.codes.URL(user.Email, d.key), "recoveryCodes": codes})
}

// enrolment is a request that confirms an app. The app is looked up once, so that the one whose code was right
// is the one that is taken into use, whatever another tab does meanwhile.
type enrolment struct{ app device }

type enrolmentKey struct{}

func enrolmentOf(ctx context.Context) *enrolment {
	e, _ := ctx.Value(enrolmentKey{}).(*enrolment)
	return e
}

// enrolling marks a request as one that confirms an app.
func enrolling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), enrolmentKey{}, new(enrolment))))
	})
}

// confirm takes the app whose code was right into use, unless another one has been offered since.
func (t *authenticators) confirm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := t.app.auth.User(r.Context())
		proved := enrolmentOf(r.Context()).app
		if !t.use(user.ID, proved) {
			t.app.answer(w, http.StatusConflict, map[string]any{"status": http.StatusConflict, "detail": "the set-up was begun anew: confirm the newest app"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// use is UPDATE apps SET used = true WHERE user = ? AND key = ?, and reports whether there was such an offer.
func (t *authenticators) use(user int64, d device) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if offered := t.offered[user]; offered.key == nil || !bytes.Equal(offered.key, d.key) {
		return false
	}
	t.used[user] = d
	delete(t.offered, user)
	return true
}

// replacing lets users without an app pass, and users who have just used theirs. Otherwise a
// stolen session would be enough to replace the app.
func (t *authenticators) replacing(next http.Handler) http.Handler {
	guarded := t.app.auth.RequireFactor("totp", fresh)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := t.app.auth.User(r.Context())
		if needed, _ := t.factors(r.Context(), user); needed == nil {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// enrolled finds the key of the user whose log-in may still wait for a code.
func (t *authenticators) enrolled(r *http.Request) (totp.Enrolled[*User], error) {
	user, err := t.app.auth.StepUpUser(r)
	if err != nil {
		return totp.Enrolled[*User]{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.used[user.ID]
	if e := enrolmentOf(r.Context()); e != nil {
		if e.app.key == nil {
			e.app = t.offered[user.ID]
		}
		d = e.app
	}
	if d.key == nil {
		return totp.Enrolled[*User]{}, strategy.ErrUnauthenticated
	}
	return totp.Enrolled[*User]{User: user, Account: strconv.FormatInt(user.ID, 10), Key: d.key}, nil
}

// useRecoveryCode is DELETE FROM codes WHERE user = ? AND hash = ?. A new app is confirmed
// only by its own code.
func (t *authenticators) useRecoveryCode(ctx context.Context, account, hash string) (bool, error) {
	if enrolmentOf(ctx) != nil {
		return false, nil
	}
	id, err := strconv.ParseInt(account, 10, 64)
	if err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	there := t.used[id].recovery[hash]
	delete(t.used[id].recovery, hash)
	return there, nil
}
