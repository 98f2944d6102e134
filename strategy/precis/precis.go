// Package precis answers: which text did the user mean, however a keyboard spells it?
//
// [Password] is for password.Normalized, [Account] for LocalConfig.Account and
// password.Config.Account, where texts beyond ASCII are typed:
//
//	hasher := password.Normalized(&password.Bcrypt{}, precis.Password)
//	local, err := password.New(users, password.Config{Hasher: hasher, Account: precis.Account})
//
// It is a module of its own, since the tables are those of golang.org/x/text.
package precis

import (
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-6f34412b/passport/strategy"
)

// Password returns the form of RFC 8265, OpaqueString: Unicode's NFC, with every other
// space replaced by U+0020. What that profile does not allow, such as a control character,
// is returned in NFC alone, so that nobody is kept out who was let in before.
func Password(password string) string {
	if formed, err := precis.OpaqueString.String(password); err == nil {
		return formed
	}
	return norm.NFC.String(password)
}

// Account returns strategy.AccountName in the form of RFC 8265, UsernameCaseMapped: in NFC,
// and with the characters of East Asia in their usual width. A name that the profile does
// not allow, such as one with a space in it, is in NFC alone.
func Account(name string) string {
	name = norm.NFC.String(strategy.AccountName(name))
	if mapped, err := precis.UsernameCaseMapped.String(name); err == nil {
		return strategy.AccountName(mapped)
	}
	return name
}
