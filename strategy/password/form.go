package password

import (
	"regexp"
	"strings"
)

// formOf describes the form of a stored hash that is not readable, and what to do. The result contains
// nothing of the hash.
func formOf(hash string) string {
	trimmed := strings.TrimFunc(hash, func(c rune) bool { return c <= ' ' })
	if trimmed != hash {
		return "it has white space around it, as a column of fixed width or an import adds: trim it"
	}
	if strings.HasPrefix(hash, "{") {
		if name, rest, ok := strings.Cut(hash[1:], "}"); ok && readableForm(rest) {
			return "it begins with {" + name + "}, as Spring and LDAP write it: store what follows"
		}
	}
	if strings.HasPrefix(hash, "$2") && len(hash) > 3 && strings.IndexByte("aby", hash[2]) >= 0 && !wholeBcrypt.MatchString(hash) {
		return "it is a bcrypt hash that was cut off or damaged: the whole has 60 characters"
	}
	for _, f := range foreign {
		if strings.HasPrefix(hash, f.prefix) {
			return f.says
		}
	}
	if plainHex.MatchString(hash) {
		return "it looks like an unsalted hash in hex, such as MD5 or SHA-1: hash it again, and let a Hasher of your own compare"
	}
	return "it is of an unknown form: give a Hasher that reads it"
}

var (
	wholeBcrypt = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)
	plainHex    = regexp.MustCompile(`^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128})$`)
)

func readableForm(hash string) bool {
	return wholeBcrypt.MatchString(hash) || strings.HasPrefix(hash, "$argon2")
}

// foreign are the prefixes of other kinds of hash, longer ones first.
var foreign = []struct{ prefix, says string }{
	{"$2x$", "it is of $2x$, which marks the hashes of a faulty bcrypt: its owner must reset the password"},
	{"$2$", "it is of $2$, a bcrypt before 1999: its owner must reset the password"},
	{"$2", "it is a bcrypt hash that this Hasher does not read: its cost is above MaxCost, or the Hasher is of another kind: see Hashers"},
	{"$argon2id$", "it is an Argon2id hash that this Hasher does not read: its parameters are above MaxMemoryKiB or MaxPasses, it is damaged, or the Hasher is of another kind: see Hashers"},
	{"$argon2", "it is of Argon2i or Argon2d: give a Hasher that reads it"},
	{"$bcrypt-sha256$", "it is passlib's bcrypt over SHA-256: give a Hasher that reads it"},
	{"bcrypt_sha256$", "it is Django's bcrypt over SHA-256: give a Hasher that reads it"},
	{"bcrypt$$2", "it is Django's form of bcrypt: store what follows bcrypt$"},
	{"pbkdf2", "it is of PBKDF2: give a Hasher that reads it"},
	{"$pbkdf2", "it is of PBKDF2: give a Hasher that reads it"},
	{"$scrypt$", "it is of scrypt: give a Hasher that reads it"},
	{"$y$", "it is of yescrypt, as Linux systems have it: give a Hasher that reads it"},
	{"$1$", "it is of MD5-crypt: give a Hasher that reads it"},
	{"$5$", "it is of SHA-256-crypt: give a Hasher that reads it"},
	{"$6$", "it is of SHA-512-crypt: give a Hasher that reads it"},
	{"$P$", "it is of phpass, as WordPress has it: give a Hasher that reads it"},
	{"{", "it begins with a scheme in braces: give a Hasher that reads it"},
}
