package strategy

import (
	"strings"
	"unicode"
)

// AccountName returns the one spelling of a login name that look-ups, registrations and
// counters use, so that all of them mean the same account: white space around it and
// invisible characters in it are dropped, letters are folded to lower case, and full-width
// ones to ASCII. It is idempotent.
//
// It composes no Unicode characters: precis.Account, of the module strategy/precis, does. A
// database that folds more, such as MySQL's collations without accents, needs a function of
// its own for LocalConfig.Account: names that are equal in the database must be equal after
// it, or an attacker has a budget of guesses for each spelling.
func AccountName(name string) string {
	name = strings.Map(func(c rune) rune {
		switch {
		case unicode.Is(unicode.Cf, c): // zero width, soft hyphens, directions
			return -1
		case c >= '\uff01' && c <= '\uff5e': // the full-width forms of ASCII
			c -= '\uff01' - '!'
		}
		least := c // the smallest of those that differ only by case, such as k, K and the Kelvin sign
		for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
			least = min(least, d)
		}
		return unicode.ToLower(least)
	}, name)
	return strings.TrimSpace(name)
}
