package guard

import (
	"net/http"
	"strconv"
	"strings"
)

// prefersHTML reports whether the response is for a browser's window, and so is a page or a redirect and
// not a problem document (RFC 9457) for a program.
//
// If the browser says what the response is for (Fetch Metadata Request Headers §2), that decides: a script
// that fetches a fragment accepts text/html too, and must not insert the log-in page. Otherwise Accept
// decides, unless a script library names itself in the header.
func prefersHTML(h http.Header) bool {
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate" && acceptsHTML(h)
	}
	for _, name := range []string{"X-Requested-With", "Hx-Request", "Turbo-Frame", "X-Turbo-Request-Id", "X-Up-Version"} {
		if h.Get(name) != "" {
			return false
		}
	}
	return acceptsHTML(h)
}

// acceptsHTML reports whether text/html has the highest quality in Accept. Clients without Accept, or with
// */*, are programs.
func acceptsHTML(h http.Header) bool {
	accept := strings.Join(h.Values("Accept"), ",")
	return quality(accept, "text", "html") > max(quality(accept, "application", "problem+json"), quality(accept, "application", "json"))
}

// quality returns the weight that accept gives to a media type, in thousandths: that of the most specific
// range that matches (RFC 9110 §12.5.1). Ranges with parameters are for other representations than ours,
// and are ignored.
func quality(accept, major, minor string) int {
	best, weight := 0, 0
	for item := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(item, ";")
		t, sub, _ := strings.Cut(strings.TrimSpace(name), "/")
		specific := 0
		switch {
		case strings.EqualFold(t, major) && strings.EqualFold(sub, minor):
			specific = 3
		case strings.EqualFold(t, major) && sub == "*":
			specific = 2
		case t == "*" && sub == "*":
			specific = 1
		}
		if q, ok := weightOf(parameters); ok && specific > best {
			best, weight = specific, q
		}
	}
	return weight
}

// weightOf reads the parameters of a media range: only q (RFC 9110 §12.4.2), or none, which means 1. ok is
// false for other parameters and malformed weights.
func weightOf(parameters string) (q int, ok bool) {
	q = 1000
	for p := range strings.SplitSeq(parameters, ";") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		name, value, _ := strings.Cut(p, "=")
		f, err := strconv.ParseFloat(value, 64)
		if !strings.EqualFold(name, "q") || err != nil || !(f >= 0 && f <= 1) {
			return 0, false
		}
		q = int(f * 1000)
	}
	return q, true
}
