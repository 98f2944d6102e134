package session

import (
	"net/http"
	"net/url"
)

// What came is what a commit, and the answer to one that failed, read of a request: the handler
// may be changing its header and URL at that time, on another goroutine. ServeHTTP takes it before
// there is any other goroutine. A whole header would cost every read a copy of a map.

// asker says what an answer is for.
type asker uint8

const (
	unsaid asker = iota
	window       // of a browser
	script       // or anything else that is not a window
)

// asItCame returns the request for who answers a commit that failed: see Config.ErrorHandler.
func (q *request) asItCame() *http.Request {
	r := q.r
	r.URL, r.Header = q.url(), http.Header{}
	set := func(name, value string) {
		if value != "" {
			r.Header[name] = []string{value}
		}
	}
	set("Accept", q.sess.accept)
	set("Cookie", q.sess.cookies)
	set("X-Forwarded-For", q.sess.forwarded)
	set("Sec-Fetch-Mode", [...]string{unsaid: "", window: "navigate", script: "cors"}[q.sess.asker])
	return &r
}

// url returns what the client asked for. A request that a program made has no request line:
// then it is what the URL is now.
func (q *request) url() *url.URL {
	if u, err := url.ParseRequestURI(q.r.RequestURI); err == nil {
		return u
	}
	return new(*q.r.URL)
}
