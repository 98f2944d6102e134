package journey

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicetest"
)

// browser is a visitor with a cookie jar.
type browser struct {
	jar, before map[string]cookie   // now, and before the last answer that set cookies
	older       []map[string]cookie // before each such answer
	late        [][]*http.Cookie    // of answers that have not arrived yet
	beside      map[string]cookie   // extra cookies of the current request
	offers      map[string]string   // challenges for a registration, by the suffix of the Manager
	keys        map[string]*devicetest.Browser
}

type cookie struct {
	value   string
	expires time.Time // zero: when the browser closes
}

func newBrowser() *browser {
	return &browser{jar: map[string]cookie{}, before: map[string]cookie{}, offers: map[string]string{}, keys: map[string]*devicetest.Browser{}}
}

// cookies returns the cookies that the browser sends now, or those from before the last change.
func (b *browser) cookies(old bool) map[string]cookie {
	jar := b.jar
	if old {
		jar = b.before
	}
	live := map[string]cookie{}
	for name, c := range jar {
		if c.expires.IsZero() || time.Now().Before(c.expires) {
			live[name] = c
		}
	}
	maps.Copy(live, b.beside)
	return live
}

// take stores the cookies of an answer.
func (b *browser) take(list []*http.Cookie) {
	if len(list) == 0 {
		return
	}
	b.before = maps.Clone(b.jar)
	b.older = append(b.older, b.before)
	for _, c := range list {
		switch {
		case c.MaxAge < 0, !c.Expires.IsZero() && !c.Expires.After(time.Now()):
			delete(b.jar, c.Name)
		case c.MaxAge > 0:
			b.jar[c.Name] = cookie{c.Value, time.Now().Add(time.Duration(c.MaxAge) * time.Second)}
		default:
			b.jar[c.Name] = cookie{c.Value, c.Expires}
		}
	}
}

// arrive takes an answer. If late is true it is held back until the next one that is not late, because
// other tabs send requests meanwhile. first is whether the earlier answers are taken first.
func (b *browser) arrive(list []*http.Cookie, late, first bool) {
	b.late = append(b.late, list)
	if late {
		return
	}
	answers := b.late
	if b.late = nil; !first {
		slices.Reverse(answers)
	}
	for _, list := range answers {
		b.take(list)
	}
}

// restore restores the cookies of an earlier time, as from a backup.
func (b *browser) restore(n int) {
	if len(b.older) > 0 {
		b.before, b.jar = maps.Clone(b.jar), maps.Clone(b.older[n%len(b.older)])
	}
}

// reopen closes and opens the browser, which drops session cookies.
func (b *browser) reopen() {
	b.before = maps.Clone(b.jar)
	maps.DeleteFunc(b.jar, func(_ string, c cookie) bool { return c.expires.IsZero() })
}

// send sends a request with cookies to the handler, as a page of the same origin does: with POST a body, a
// form unless header says otherwise, or with GET a click on a link.
func send(ctx context.Context, h http.Handler, method, path string, body string, cookies map[string]cookie, header map[string]string) *http.Response {
	r := httptest.NewRequestWithContext(ctx, method, "https://app.example"+path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	for name, c := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: c.value}) //nolint:gosec // as a browser sends it
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// idIn returns the session's id in the value of a cookie, without checking the signature.
func idIn(value string) string {
	if text, err := url.QueryUnescape(value); err == nil {
		if rest, ok := strings.CutPrefix(text, "s:"); ok { // as express-session signs it
			return rest[:max(strings.LastIndexByte(rest, '.'), 0)]
		}
	}
	text, err := base64.URLEncoding.DecodeString(value) // as gorilla/securecookie does
	if err != nil {
		return ""
	}
	parts := strings.SplitN(string(text), "|", 3)
	if len(parts) != 3 {
		return ""
	}
	id, err := base64.URLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	return string(id)
}
