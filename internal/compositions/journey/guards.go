package journey

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// secrets returns the process's secrets while old is being replaced by next.
func (p *process) secrets(old, next string) []string {
	switch {
	case p.shared.Deploy < 2:
		return []string{old}
	case p.number == 0:
		return []string{old, next}
	case p.shared.Deploy == 2:
		return []string{next, old}
	}
	return []string{next}
}

func (p *process) addGuard(g int, logger *slog.Logger) error {
	s := p.shared
	cfg := guard.Config{
		Sessions: p.managers[g], SessionKey: guardKeys[g], Logger: logger,
		MaxSessions: s.Max, RefuseMore: s.Refuse == 1 && s.Max > 0,
		LoginURL: logInPage(g),
		OnEvent:  func(_ context.Context, e guard.Event) { s.events(e) },
	}
	var me *remember.Service
	if s.Remember > 0 {
		var err error
		me, err = remember.New(remember.Config{Cells: s.cells, Secrets: p.secrets(secret, newer), MaxAge: remFor, Grace: grace, CookieName: rememberName(g)})
		if err != nil {
			return err
		}
		cfg.RememberMe = me
	}
	if factor := s.factor(); factor != "" {
		cfg.Factors = guard.FactorsOf(func(_ context.Context, u *user) ([]string, error) {
			if u.ID == 1 {
				return []string{passkeyName(g, factor)}, nil
			}
			return nil, nil
		})
	}
	t := s.tables[g]
	users := t.serializer(s.Ids, p.number)
	if s.Stamp == 1 {
		users = serializer.WithStamp(users, func(u *user) string { return fmt.Sprint("password ", u.Password) })
	}
	local := strategy.NewLocal(func(ctx context.Context, email, password string) (*user, error) {
		id, _ := strconv.Atoi(email)
		if u, err := t.byID(ctx, id); err == nil && password == "right" {
			return u, nil
		}
		return nil, strategy.ErrUnauthenticated
	})
	byForm := func(name string, labelled bool) strategy.Strategy[*user] {
		return strategy.Func(name, func(_ http.ResponseWriter, r *http.Request) (*user, error) {
			id, _ := strconv.Atoi(r.FormValue("user"))
			u, err := t.byID(r.Context(), id)
			if err != nil || r.FormValue("code") != "right" {
				return nil, &strategy.CallbackRefusal{Err: strategy.ErrUnauthenticated}
			}
			if labelled {
				strategy.Report(r.Context(), strategy.Info{Labels: []string{"sid-" + r.FormValue("label")}})
			}
			return u, nil
		})
	}
	asked := []strategy.Strategy[*user]{local, byForm("totp", false)}
	if s.Throttle > 0 {
		for i, inner := range asked {
			limits := throttle.Config{Counter: s.counter, Purpose: guardKeys[g], AccountAttempts: freeGuesses, Secrets: p.secrets(secret, newer), Logger: logger}
			if s.Throttle == 2 {
				limits.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
			}
			if i > 0 {
				limits.Claims = func(r *http.Request) (string, bool, error) { return r.FormValue("user"), true, nil }
			}
			limited, err := throttle.New(limits, inner)
			if err != nil {
				return err
			}
			asked[i] = limited
		}
	}
	keys, err := p.newPasskeys(g, logger)
	if err != nil {
		return err
	}
	p.passkeys = append(p.passkeys, keys)
	made, err := guard.New(cfg, users, append(asked, byForm("provider", true), keys)...)
	if err != nil {
		return err
	}
	p.guards, p.memory = append(p.guards, made), append(p.memory, me)
	return nil
}

// serializer returns the serializer of a process for that value of Switches.Ids.
func (t *table) serializer(ids, process int) serializer.Serializer[*user] {
	number := serializer.ByID(func(u *user) int { return u.ID }, t.byID)
	role := serializer.ByID(func(u *user) objectID { return objectID{u.ID, u.Role} },
		func(ctx context.Context, id objectID) (*user, error) { return t.byID(ctx, id.ID) })
	switch ids {
	case 1:
		return named{role}
	case 2:
		return serializer.ByID(func(u *user) tenantID { return tenantID{u.ID, "t"} },
			func(ctx context.Context, id tenantID) (*user, error) { return t.byID(ctx, id.ID) })
	case 3: // in a rolling deployment each process reads both forms
		if process == 0 {
			return named{serializer.Chain[*user](number, role)}
		}
		return named{serializer.Chain[*user](role, number)}
	}
	return number
}

// newAPI makes a guard without sessions, for programs with keys.
func (s *shared) newAPI(logger *slog.Logger) (*guard.Guard[*user], error) {
	return guard.New(guard.Config{Logger: logger}, nil, strategy.NewBearer("api", func(_ context.Context, token string) (*user, error) {
		if token == "right" {
			return &user{ID: 1}, nil
		}
		return nil, strategy.ErrUnauthenticated
	}))
}
