package strategy

import (
	"context"
	"net/http"

	"github.com/seed-6f34412b/passport/internal/cookienames"
)

// mapped is a strategy for users of type A used as one for users of type B.
type mapped[A, B any] struct {
	from Strategy[A]
	to   func(ctx context.Context, user A) (B, error)
}

var _ Strategy[any] = (*mapped[any, any])(nil)
var _ CrossSite = (*mapped[any, any])(nil)
var _ Claimant = (*mappedClaimant[any, any])(nil)
var _ ForPrograms = (*mapped[any, any])(nil)
var _ FactorNamer = (*mapped[any, any])(nil)

// Map returns s with its users converted by to, for instance from the claims of a token to the row of the
// users table. It keeps the name of s and its [CrossSite], [ForPrograms], [FactorNamer], [Claimant].
//
// An error of to counts like one of a strategy: one that wraps [ErrUnauthenticated]
// refuses, any other is an outage. It panics if s or to is nil.
func Map[A, B any](s Strategy[A], to func(ctx context.Context, user A) (B, error)) Strategy[B] {
	if IsNilUser(s) || to == nil {
		panic("strategy: map: the strategy or the function is nil")
	}
	m := &mapped[A, B]{s, to}
	if c, ok := Ability[Claimant](s); ok {
		return &mappedClaimant[A, B]{m, c}
	}
	return m
}

// mappedClaimant is mapped for a strategy that is a Claimant: for others it is unknown whether a request
// had credentials.
type mappedClaimant[A, B any] struct {
	*mapped[A, B]
	Claimant
}

// Name implements [Strategy].
func (m *mapped[A, B]) Name() string { return m.from.Name() }

// Authenticate implements [Strategy].
func (m *mapped[A, B]) Authenticate(w http.ResponseWriter, r *http.Request) (B, error) {
	var nobody B
	a, err := m.from.Authenticate(w, r)
	if err != nil {
		return nobody, err
	}
	if a, err = CheckUser(m.Name(), a); err != nil {
		return nobody, err
	}
	b, err := m.to(r.Context(), a)
	if err != nil {
		return nobody, err
	}
	return CheckUser(m.Name(), b)
}

// AllowCrossSite implements [CrossSite]. It answers what the inner strategy answers.
func (m *mapped[A, B]) AllowCrossSite(r *http.Request) bool {
	c, ok := Ability[CrossSite](m.from)
	return ok && c.AllowCrossSite(r)
}

// ForPrograms implements [ForPrograms]. It answers what the inner strategy answers.
func (m *mapped[A, B]) ForPrograms() bool {
	p, ok := Ability[ForPrograms](m.from)
	return ok && p.ForPrograms()
}

// FactorNames implements [FactorNamer]. It answers what the inner strategy answers.
func (m *mapped[A, B]) FactorNames() []string {
	if f, ok := Ability[FactorNamer](m.from); ok {
		return f.FactorNames()
	}
	return nil // its factor is its name, also if Named changes that
}

// CookieNames returns those of the inner strategy and of everything that it decorates.
func (m *mapped[A, B]) CookieNames() []string { return cookienames.Of(m.from) }

// Account is the Account method of the inner strategy.
func (m *mapped[A, B]) Account(name string) string {
	if a, ok := Ability[interface{ Account(name string) string }](m.from); ok {
		return a.Account(name)
	}
	return name
}
