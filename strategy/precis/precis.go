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

// Password returns password in the form OpaqueString of RFC 8265: Unicode's NFC, with every
// kind of space replaced by U+0020. A text that this profile does not allow, such as one with
// a control character, is returned in NFC only, so that users who have such a password can
// still log in.
func Password(password string) string {
	if formed, err := precis.OpaqueString.String(password); err == nil {
		return formed
	}
	return norm.NFC.String(password)
}

// Account returns strategy.AccountName of name in the form UsernameCaseMapped of RFC 8265: in
// NFC, and with the characters of East Asia in their usual width. A name that this profile
// does not allow, such as one with a space, is returned in NFC only.
func Account(name string) string {
	name = norm.NFC.String(strategy.AccountName(name))
	if mapped, err := precis.UsernameCaseMapped.String(name); err == nil {
		return strategy.AccountName(mapped)
	}
	return name
}
