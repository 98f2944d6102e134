package guard_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// TestARecalledLogInBehindAProxyKeepsItsCookies: httputil.ReverseProxy clears the response's header after
// an upstream's early hint (golang/go 81207). Without the cookies, every request of a remembered browser
// would make another session.
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

// TestAnUpstreamDoesNotGetOurCookies (G35), and cannot set them: otherwise it could log in as the user, or
// log them out.
func TestAnUpstreamDoesNotGetOurCookies(t *testing.T) {
	var got []string
	upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header["Cookie"]
		for _, line := range []string{sid + "=evil; Path=/", " " + rememberCookie + " =evil", "=" + sid + "=evil", "__Host-device=evil", "flow.1=evil", "own=evil", "before=evil", "flow=1", "theirs=1", "theirs; Secure"} {
			rw.Header().Add("Set-Cookie", line)
		}
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(secret), AlsoAccept: []session.Accept{{Name: "before", Codec: session.SecureCookie(secret)}}})
	if err != nil {
		t.Fatal(err)
	}
	me, err := remember.New(remember.Config{Cells: memory.Cells, Secrets: rememberSecrets})
	if err != nil {
		t.Fatal(err)
	}
	nobody := func(context.Context, string, string) (*User, error) { return nil, strategy.ErrUnauthenticated }
	// The cookies of all decorators count, including those inside Map.
	slow, err := throttle.New(throttle.Config{}, strategy.Strategy[*User](withCookies{strategy.NewLocal(nobody)}))
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(u *User) int { return u.ID }, func(context.Context, int) (*User, error) { return nil, serializer.ErrUserGone })
	auth, err := guard.New(guard.Config{Sessions: sessions, RememberMe: me}, users, strategy.Map(strategy.Named("slow", strategy.Strategy[*User](slow)), func(_ context.Context, u *User) (*User, error) { return u, nil }))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: auth.ProxyTransport(nil, "own"), Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	r := httptest.NewRequest(http.MethodGet, "https://app.example/", nil)
	r.Header["Cookie"] = []string{"theirs=1; " + sid + "=secret;" + rememberCookie + "=secret; Theirs2=\"a b\"", sid + "=twice", "__Host-device=secret; before=secret; flow.1=secret; flow.=secret; flow=1; own=secret;  " + sid + " =padded; last=1"}
	rec := httptest.NewRecorder()
	proxy.ServeHTTP(rec, r)
	if want := []string{`theirs=1; Theirs2="a b"`, "flow=1; last=1"}; !slices.Equal(got, want) {
		t.Errorf("the upstream got the cookies %q, want %q", got, want)
	}
	if set, want := rec.Header()["Set-Cookie"], []string{"flow=1", "theirs=1", "theirs; Secure"}; !slices.Equal(set, want) {
		t.Errorf("the browser got the cookies %q, want %q", set, want)
	}
	if sent := r.Header["Cookie"]; len(sent) != 3 {
		t.Errorf("the request itself has the cookies %q, want all", sent)
	}
}

// withCookies is a strategy with a cookie for each log-in in progress.
type withCookies struct{ strategy.Strategy[*User] }

func (withCookies) CookieNames() []string { return []string{"flow.*"} }

// TestAnUpstreamOfOneGuardDoesNotGetTheOthersCookies: otherwise it could log in as the administrator who
// uses the same browser. The other guard may be made later.
func TestAnUpstreamOfOneGuardDoesNotGetTheOthersCookies(t *testing.T) {
	w := newRememberWorld(t)
	var got []string
	upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header["Cookie"]
		rw.Header().Set("Set-Cookie", "__Host-admin=evil")
	}))
	t.Cleanup(upstream.Close)
	transport := w.ProxyTransport(nil)
	admins, err := remember.New(remember.Config{Cells: w.cells, Secrets: rememberSecrets, CookieName: "__Host-admin"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "admin", RememberMe: admins}, w.table.stamped(), strategy.Strategy[*User](withCookies{w.token})); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, upstream.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "a=b; __Host-admin=secret; flow.1=secret; "+sid+"=secret; "+rememberCookie+"=secret")
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if set := res.Header["Set-Cookie"]; !slices.Equal(got, []string{"a=b"}) || set != nil {
		t.Errorf("the upstream got the cookies %q and set %q, want a=b and none", got, set)
	}
}

// TestAnUpstreamEndsNoCookies, neither by Clear-Site-Data nor by a header before or after its response.
func TestAnUpstreamEndsNoCookies(t *testing.T) {
	w := newWorld(t)
	upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		h := rw.Header()
		h["Set-Cookie"], h["Clear-Site-Data"], h["Link"] = []string{sid + "=evil", "hint=1"}, []string{"*"}, []string{"</a>"}
		rw.WriteHeader(http.StatusEarlyHints)
		clear(h)
		h["Clear-Site-Data"] = []string{`"cache", "Cookies","storage"`, `"*"`, `"coo\kies"`, " cookies "}
		h["Trailer"] = []string{"Set-Cookie", "Sum"}
		_, _ = rw.Write([]byte("x"))
		h["Set-Cookie"], h["Sum"] = []string{sid + "=evil", "late=1"}, []string{"7"}
		h[http.TrailerPrefix+"Clear-Site-Data"] = []string{`"cookies"`}
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{Transport: w.ProxyTransport(nil), Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	t.Cleanup(front.Close)
	var hint http.Header
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hint = http.Header(h)
		return nil
	}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, front.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := front.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); string(body) != "x" || err != nil {
		t.Fatalf("got %q and %v, want x", body, err)
	}
	for _, row := range []struct {
		name string
		got  []string
		want []string
	}{
		{"the hint's cookies", hint["Set-Cookie"], []string{"hint=1"}},
		{"what the hint clears", hint["Clear-Site-Data"], nil},
		{"the hint's link", hint["Link"], []string{"</a>"}},
		{"what the answer clears", res.Header["Clear-Site-Data"], []string{`"cache","storage"`}},
		{"the trailer's cookies", res.Trailer["Set-Cookie"], []string{"late=1"}},
		{"what the trailer clears", res.Trailer["Clear-Site-Data"], nil},
		{"the trailer's sum", res.Trailer["Sum"], []string{"7"}},
	} {
		if !slices.Equal(row.got, row.want) {
			t.Errorf("%s: got %q, want %q", row.name, row.got, row.want)
		}
	}
}

// TestAnUpstreamMaySwitchProtocols: the transport does not change the connection.
func TestAnUpstreamMaySwitchProtocols(t *testing.T) {
	connection := struct {
		io.Writer
		io.ReadCloser
	}{io.Discard, http.NoBody}
	w := newWorld(t)
	transport := w.ProxyTransport(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusSwitchingProtocols, Body: connection, Header: http.Header{"Set-Cookie": {sid + "=evil"}}}, nil
	}))
	res, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, "https://app.example/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, ok := res.Body.(io.Writer); !ok || len(res.Header) != 0 {
		t.Errorf("got a body of type %T and the header %v, want one that can be written to, and no cookie", res.Body, res.Header)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
