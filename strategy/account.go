package strategy

import (
	"strings"
	"unicode"
)

// AccountName returns the one spelling of a login name that look-ups, registrations and
// counters use, so that all of them mean the same account: white space around it and
// invisible characters in it are dropped, letters are folded to lower case, and full-width
// ones to ASCII. AccountName(AccountName(s)) is AccountName(s).
//
// It composes no Unicode characters, since that needs tables that this module does not
// bring: precis.Account, of the module strategy/precis, does. A database that folds more, such as MySQL's collations without accents, needs a
// function of its own for LocalConfig.Account: what it takes for one name must be one name
// to it, or a guesser has a budget for each spelling.
func AccountName(name string) string {
	name = strings.Map(func(c rune) rune {
		switch {
		case unicode.Is(unicode.Cf, c): // zero width, soft hyphens, directions
			return -1
		case c >= '\uff01' && c <= '\uff5e': // the full-width forms of ASCII
			c -= '\uff01' - '!'
		}
		least := c // of those that differ by case alone, such as k, K and the Kelvin sign
		for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
			least = min(least, d)
		}
		return unicode.ToLower(least)
	}, name)
	return strings.TrimSpace(name)
}

// AccountOf returns the one spelling of a login name by which s looks accounts up: the
// answer of the outermost method Account(string) string on the way from s through its
// Unwrap methods, or name as it is.
func AccountOf[U any](s Strategy[U], name string) string {
	for s != nil {
		if a, ok := s.(interface{ Account(name string) string }); ok {
			return a.Account(name)
		}
		inner, ok := s.(interface{ Unwrap() Strategy[U] })
		if !ok {
			break
		}
		s = inner.Unwrap()
	}
	return name
}
