package guard

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

const (
	paramReturnTo = "return_to"
	paramMaxAge   = "max_age"  // seconds, as OpenID Connect Core §3.1.2.1 names it
	keyReturnTo   = "returnTo" // as connect-ensure-login and Passport name it
	maxReturnTo   = 2048
)

// SafeReturnTo returns target, and true, if it is a path of this site that is safe as a
// redirect: it begins with one slash and is at most 2048 bytes of printable ASCII without
// spaces and backslashes; its path, percent-decoded, is UTF-8 and has neither two slashes
// in a row, nor a backslash, a control character, or a segment "." or "..". A query and a
// fragment may follow. Anything else gives "" and false: a browser may take it for
// another site's address (ASVS 5.0 3.7.2).
//
// Every redirect of this package to an address that a request chose goes through it;
// [ReturnTo] puts the parameter return_to of a log-in page through it as well.
func SafeReturnTo(target string) (string, bool) {
	if len(target) > maxReturnTo || !safePath(target) {
		return "", false
	}
	return target, true
}

// safePath is SafeReturnTo without a limit of the length.
func safePath(target string) bool {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return false
	}
	for i := 0; i < len(target); i++ {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil {
		return false
	}
	// Browsers do not decode %2f in a path, but a proxy or a router that redirects to its cleaned form may,
	// and one that treats %c0%af as a slash may too.
	if !utf8.ValidString(u.Path) {
		return false
	}
	segments := strings.Split(u.Path, "/")
	for i, s := range segments {
		inner := i > 0 && i < len(segments)-1
		if s == "." || s == ".." || s == "" && inner || strings.ContainsFunc(s, unsafeInPath) {
			return false
		}
	}
	return true
}

func unsafeInPath(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }

// checkRedirect returns why the application's own URL cannot be a redirect. An empty URL means no redirect.
func checkRedirect(target string) error {
	if _, ok := SafeReturnTo(target); ok || target == "" {
		return nil
	}
	u, err := url.Parse(target)
	plain := !strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' })
	if err != nil || !plain || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return errors.New("want a path on this site, like /login, or an http or https URL")
	}
	return nil
}

// takeReturnTo returns the page where the log-in should end, or "". It removes the session's own returnTo.
func (g *Guard[U]) takeReturnTo(r *http.Request, st *reqstate.State, e *evidence) (string, error) {
	raw, err := st.Slots.Take(r.Context(), keyReturnTo)
	if err != nil {
		return "", err
	}
	remembered, _ := rawjson.Unquote(raw)
	return cmp.Or(firstSafe(e.info.ReturnTo, remembered), ReturnTo(r)), nil
}

// firstSafe returns the first of targets that SafeReturnTo accepts, or "".
func firstSafe(targets ...string) string {
	for _, target := range targets {
		if to, ok := SafeReturnTo(target); ok {
			return to
		}
	}
	return ""
}

// ReturnTo returns the page that a request for a log-in asks for: the parameter return_to of its query or its
// form, which it parses, if SafeReturnTo accepts it. Otherwise it is "". For a log-in page that keeps the
// parameter, and for a redirect of the application's own.
func ReturnTo(r *http.Request) string {
	if r.PostForm == nil {
		_ = r.ParseForm() // reads at most 10 MB, and only forms; a malformed one names no page
	}
	return firstSafe(r.URL.Query().Get(paramReturnTo), r.PostForm.Get(paramReturnTo))
}

// withReturnTo returns page with the request's own address, if safe, in the parameter return_to, or "" if
// the request is for page itself.
func withReturnTo(page string, r *http.Request) string {
	here, ok := SafeReturnTo(r.RequestURI)
	if !ok {
		here, ok = SafeReturnTo(r.URL.RequestURI()) // for the absolute form (RFC 9112 §3.2.2)
	}
	if at, _, _ := strings.Cut(here, "?"); ok && isPage(page, at, r) {
		return "" // otherwise the redirects would be circular
	}
	if isAnswer(r.URL.Query()) {
		return page
	}
	return addReturnTo(page, here)
}

// withFormsPage returns page with the page of the form that r sends in the parameter return_to, if the
// browser tells it. Its query is left out: it may have been good for once.
func withFormsPage(page string, r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || isPage(page, from.EscapedPath(), r) {
		return page
	}
	return addReturnTo(page, from.EscapedPath())
}

// addReturnTo returns page with the parameter return_to, if to is safe.
func addReturnTo(page, to string) string {
	if to, ok := SafeReturnTo(to); ok {
		return withParam(page, paramReturnTo, to)
	}
	return page
}

// withParam returns page with one more parameter in its query.
func withParam(page, name, value string) string {
	page, fragment, found := strings.Cut(page, "#")
	if found {
		fragment = "#" + fragment
	}
	separator := "?"
	if strings.Contains(page, "?") {
		separator = "&"
	}
	return page + separator + name + "=" + url.QueryEscape(value) + fragment
}

// isPage reports whether at, the path of r, is that of page. If page is absolute it may be on another host,
// and r may have come through a proxy that changes the host. In that case return_to shows whether the
// request was redirected here before.
func isPage(page, at string, r *http.Request) bool {
	u, err := url.Parse(page)
	if err != nil || u.EscapedPath() != at {
		return false
	}
	before, _, _ := strings.Cut(r.URL.Query().Get(paramReturnTo), "?")
	return u.Host == "" || strings.EqualFold(u.Host, r.Host) || before == at
}

// isAnswer reports whether a request's parameters are the response of a provider (RFC 6749 §4.1.2), which
// is valid once: nobody should return to it.
func isAnswer(q url.Values) bool {
	return q.Has("state") && (q.Has("code") || q.Has("error"))
}
