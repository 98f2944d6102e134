package session_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"testing"
)

// hintingProxy returns a proxy in front of an upstream that sends an early hint first, after which
// httputil.ReverseProxy clears the response's header (golang/go 81207).
func hintingProxy(t *testing.T) http.Handler {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Set-Cookie", "upstream=1")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
}

// TestWhatWasCommittedIsInTheAnswer, even if the header was cleared before the first byte.
func TestWhatWasCommittedIsInTheAnswer(t *testing.T) {
	proxy := hintingProxy(t)
	clearing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { clear(w.Header()); w.WriteHeader(200) })
	for _, row := range []struct {
		name string
		then http.Handler
		ops  []string
		want []string // names of the cookies
	}{
		{"a proxy after Save", proxy, []string{"set a 1", "save"}, []string{"upstream", "sid"}},
		{"a proxy after a log-in and Save", proxy, []string{"login 1", "save"}, []string{"upstream", "sid"}},
		{"a proxy, and the commit comes later", proxy, []string{"set a 1"}, []string{"upstream", "sid"}},
		{"a proxy after two saves of two ids", proxy, []string{"login 1", "save", "renew", "save"}, []string{"upstream", "sid"}},
		{"a handler that clears the header", clearing, []string{"set a 1", "save"}, []string{"sid"}},
		{"a log-out after Save", clearing, []string{"login 1", "save", "logout"}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newManager(t, newScripted(), plain)
			srv := httptest.NewServer(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, op := range row.ops {
					if err := do(r.Context(), m, op); err != nil {
						t.Error(err)
					}
				}
				row.then.ServeHTTP(w, r)
			})))
			defer srv.Close()
			trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				if got := h["Set-Cookie"]; len(got) != 0 {
					t.Errorf("the hint carries the cookies %q", got)
				}
				return nil
			}}
			r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", srv.URL, nil)
			res, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			var names []string
			for _, c := range res.Cookies() {
				names = append(names, c.Name)
			}
			if !slices.Equal(names, row.want) {
				t.Errorf("got the cookies %q, want %q", names, row.want)
			}
		})
	}
}
