package cookies

import "strings"

// ValidName reports whether name is a token (RFC 9110 §5.6.2), as RFC 6265 §4.1.1 requires of a cookie's
// name.
func ValidName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// validValue reports whether value is allowed in a Set-Cookie header without quotes.
func validValue(value string) bool {
	for i := range len(value) {
		if !cookieOctet[value[i]] {
			return false
		}
	}
	return true
}

// ValidDomain reports whether domain is a host name, with or without a dot before
// it: labels of 1 to 63 letters, digits and inner hyphens (RFC 1123 §2.1), 253
// bytes at most. Empty means no Domain attribute and is valid too.
func ValidDomain(domain string) bool {
	if domain == "" {
		return true
	}
	domain = strings.TrimPrefix(domain, ".")
	if len(domain) > 253 {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !alphanumeric(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	return true
}

// ValidPath reports whether browsers accept path as a cookie's path: it begins with a slash (RFC 6265
// §5.2.4), has at most 1024 bytes (RFC 6265bis §5.6) and none that cookie 0.7.2 refuses: controls,
// semicolon, "<" and non-ASCII bytes. Empty means no Path attribute and is valid too.
func ValidPath(path string) bool {
	if path == "" {
		return true
	}
	if path[0] != '/' || len(path) > 1024 {
		return false
	}
	for i := range len(path) {
		if c := path[i]; c < ' ' || c > '~' || c == ';' || c == '<' {
			return false
		}
	}
	return true
}
