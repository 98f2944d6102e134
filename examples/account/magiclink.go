package main

import (
	"context"
	"crypto/rand"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// askedHere is the name of a browser that has asked for a link to log in. The link works only in that
// browser, so nobody can be logged in by somebody else's link (OWASP ASVS 5.0, 6.6.2).
const askedHere session.Key[string] = "askedHere"

// browser returns the name of the browser, and gives it one if it has none.
func browser(ctx context.Context) (string, error) {
	name, ok, err := askedHere.GetContext(ctx)
	if err == nil && !ok {
		name = rand.Text()
		err = askedHere.SetContext(ctx, name)
	}
	return name, err
}

// byMagicLink finds the user of a link, for the strategy.
func (a *app) byMagicLink(ctx context.Context, t ticket) (*User, error) {
	here, asked, err := askedHere.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	if !asked || t.Of != here {
		return nil, strategy.ErrUnauthenticated
	}
	return a.users.ofMailed(ctx, t)
}
