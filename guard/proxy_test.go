package guard_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// TestARecalledLogInBehindAProxyKeepsItsCookies: httputil.ReverseProxy clears the response's
// header after an upstream's early hint (golang/go 81207). Without the cookies, every
// request of a remembered browser would make another session.
func TestARecalledLogInBehindAProxyKeepsItsCookies(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusEarlyHints)
		_, _ = rw.Write([]byte("from the upstream"))
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := newRememberWorld(t)
	w.mux.Handle("/proxy", w.RequireAuth(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}))
	b := w.remembered("joe@test.com")
	srv := httptest.NewServer(w.mux)
	t.Cleanup(srv.Close)
	r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/proxy", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: rememberCookie, Value: b.Cookie(rememberCookie)})
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	var names []string
	for _, c := range res.Cookies() {
		names = append(names, c.Name)
		w.hidden = append(w.hidden, c.Value)
	}
	if res.StatusCode != 200 || len(names) != 2 || names[0] != sid || names[1] != rememberCookie {
		t.Errorf("got %d and the cookies %q, want 200, %s and %s", res.StatusCode, names, sid, rememberCookie)
	}
}
