package strategytest

import "strings"

// isChallenge reports whether s is a challenge of RFC 9110 §11.3:
//
//	challenge  = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//	auth-param = token BWS "=" BWS ( token / quoted-string )
//
// The list must not be empty (§5.6.1.1: what a sender makes has no empty elements).
func isChallenge(s string) bool {
	scheme, rest, more := strings.Cut(s, " ")
	if !isToken(scheme) {
		return false
	}
	if !more {
		return true
	}
	rest = strings.TrimLeft(rest, " ")
	if token := strings.TrimRight(rest, "="); token != "" && strings.Trim(token, token68) == "" {
		return true
	}
	for {
		var ok bool
		if rest, ok = cutParam(rest); !ok {
			return false
		}
		if rest == "" {
			return true
		}
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t"), ","); !ok {
			return false
		}
		rest = strings.TrimLeft(rest, " \t")
	}
}

const (
	alphaNum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	token68  = alphaNum + "-._~+/"
	tchar    = alphaNum + "!#$%&'*+-.^_`|~"
)

func isToken(s string) bool { return s != "" && strings.Trim(s, tchar) == "" }

// cutParam removes an auth-param from the beginning of s.
func cutParam(s string) (rest string, ok bool) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || !isToken(strings.TrimRight(name, " \t")) {
		return "", false
	}
	value = strings.TrimLeft(value, " \t")
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		return cutQuoted(quoted)
	}
	end := len(value) - len(strings.TrimLeft(value, tchar))
	return value[end:], end > 0
}

// cutQuoted removes the rest of a quoted-string (§5.6.4) from the beginning of s.
func cutQuoted(s string) (rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], true
		case c == '\\':
			i++ // a quoted-pair
			if i == len(s) || !isText(s[i]) {
				return "", false
			}
		case !isText(c):
			return "", false
		}
	}
	return "", false
}

// isText reports whether a quoted-string may contain c.
func isText(c byte) bool { return c == '\t' || c >= ' ' && c != 0x7f }
