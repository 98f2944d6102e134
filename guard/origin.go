package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// canonicalOrigin returns origin in the form of the header Origin (WHATWG URL Standard, Host serializing;
// RFC 6454 §6.2): in lower case, without a default port, non-ASCII names in Punycode, IPv6 addresses in
// their short form.
func canonicalOrigin(origin string) (string, error) {
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return "", err
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "", errors.New("it needs the scheme http or https, and a host")
	case u.User != nil, u.Path != "", u.RawQuery != "", u.Fragment != "", u.ForceQuery:
		return "", errors.New("it must have a scheme, a host and a port only")
	case strings.Contains(u.Host, "*"):
		return "", errors.New("wildcards are not supported: list each origin, or set Config.TrustOrigin")
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

func canonicalHost(host string) (string, error) {
	if strings.Contains(host, ":") {
		a, err := netip.ParseAddr(host)
		switch {
		case err != nil || a.Zone() != "":
			return "", fmt.Errorf("%q is not an IPv6 address", host)
		case a.Is4In6(): // the WHATWG form has no dots
			b := a.As16()
			return fmt.Sprintf("[::ffff:%x:%x]", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15])), nil
		}
		return "[" + a.String() + "]", nil
	}
	labels := strings.Split(strings.Map(unicode.ToLower, host), ".")
	for i, label := range labels {
		labels[i] = punycode(label)
	}
	return strings.Join(labels, "."), nil
}

// punycode returns the ASCII form of a label of a domain name: RFC 3492 §6.3, with the parameters of §5.
func punycode(label string) string {
	const base, tMin, tMax, skew, damp, firstBias, firstN = 36, 1, 26, 38, 700, 72, 128
	var out []byte
	runes := []rune(label)
	for _, r := range runes {
		if r < firstN {
			out = append(out, byte(r))
		}
	}
	if len(out) == len(runes) {
		return label
	}
	basic := len(out)
	handled := basic
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(firstN), 0, firstBias
	for handled < len(runes) {
		next := rune(unicode.MaxRune)
		for _, r := range runes {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (handled + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					break
				}
				out = append(out, digit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out = append(out, digit(q))
			// §6.1
			if handled == basic {
				delta /= damp
			} else {
				delta /= 2
			}
			delta += delta / (handled + 1)
			k := 0
			for ; delta > (base-tMin)*tMax/2; k += base {
				delta /= base - tMin
			}
			bias = k + (base-tMin+1)*delta/(delta+skew)
			delta = 0
			handled++
		}
		delta++
		n++
	}
	return "xn--" + string(out)
}

// digit returns the character for a digit from 0 to 35.
func digit(d int) byte {
	if d < 26 {
		return byte('a' + d) //nolint:gosec // d is under 36
	}
	return byte('0' + d - 26) //nolint:gosec // d is under 36
}
