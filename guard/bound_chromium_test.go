//go:build integration

package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/chromium"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/session"
)

// proofLife is how long a proof is valid in these tests: long enough for a slow machine to use one, and
// short enough to wait for its end.
const proofLife = 6 * time.Second

// deviceBound are the features with which Chromium binds sessions without a security chip, and signs more
// often than a few times in nine minutes.
const deviceBound = "--enable-features=DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"

// device is a browser, and the application that binds its sessions.
type device struct {
	*world
	t    *testing.T
	site *chromium.Site
	b    *chromium.Browser
	page *chromium.Page

	mu     sync.Mutex
	served []string // the browser's requests and the answers' status
}

// newDevice returns an application, and a browser that has just opened it.
func newDevice(t *testing.T, edit ...func(*session.Config)) *device {
	w := newWorld(t)
	var err error
	cfg := session.Config{
		Store: w.store, Codec: session.SecureCookie(secret), Logger: w.logger(), Persistent: true,
		DeviceBound: session.DeviceBound{Lifetime: proofLife},
	}
	for _, e := range edit {
		e(&cfg)
	}
	w.sessions, err = session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Guard = w.guard("")
	d := &device{world: w, t: t}
	w.mux = http.NewServeMux()
	w.mux.Handle(w.sessions.DeviceBound())
	w.mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, "<title>home</title>")
	})
	w.mux.Handle("POST /login", w.Authenticate("local")(w.LogIn(w.hello())))
	w.mux.Handle("POST /logout", w.LogOut(w.hello()))
	w.mux.Handle("POST /totp", w.Authenticate("totp")(w.StepUp(w.hello())))
	w.mux.Handle("GET /renew", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = s.Renew(r.Context())
		}
		if err != nil {
			w.Error(rw, r, err)
		}
	})))
	for path, protect := range d.guarded() {
		w.mux.Handle("GET "+path, protect(w.hello()))
	}
	d.site = chromium.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen := &status{ResponseWriter: rw}
		w.mux.ServeHTTP(seen, r)
		d.mu.Lock()
		d.served = append(d.served, fmt.Sprintf("%s %s %d", r.Method, r.URL.Path, seen.code))
		d.mu.Unlock()
	}), "app.example.test", "elsewhere.test")
	d.start()
	return d
}

// guarded returns every kind of guarded route.
func (d *device) guarded() map[string]func(http.Handler) http.Handler {
	any := func(*http.Request, *User) error { return nil }
	return map[string]func(http.Handler) http.Handler{
		"/me": d.RequireAuth, "/bound": d.RequireBound, "/uncached": d.RequireUncached, "/checked": d.Require(any),
		"/fresh": d.RequireFresh(time.Hour), "/factor": d.RequireFactor("local", 0), "/session": d.Authenticate("session"),
		"/by-hand": func(next http.Handler) http.Handler {
			return d.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if _, err := d.Check(r); err != nil {
					d.Error(rw, r, err)
					return
				}
				next.ServeHTTP(rw, r)
			}))
		},
	}
}

// status records the status of a response.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(p []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(p)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// start starts the browser with the profile of the last start.
func (d *device) start() {
	d.t.Helper()
	d.b = d.site.Start(d.t, "profile", deviceBound)
	d.page = d.open()
}

func (d *device) open() *chromium.Page {
	d.t.Helper()
	page := d.b.Open(d.site.URL("/"))
	page.Call("Network.enableDeviceBoundSessions", map[string]any{"enable": true})
	page.Run(`while (document.title != "home") await new Promise(r => setTimeout(r, 50));`, nil)
	return page
}

// asked returns the requests to the server since the last call.
func (d *device) asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.served
	d.served = nil
	return list
}

// fetch makes the page fetch path and returns the status.
func (d *device) fetch(page *chromium.Page, path string) (code int) {
	d.t.Helper()
	page.Run(fmt.Sprintf(`return (await fetch(%q)).status`, path), &code)
	return code
}

// post makes the page send a form.
func (d *device) post(path, form string) (code int) {
	d.t.Helper()
	d.page.Run(fmt.Sprintf(`return (await fetch(%q, {method: "POST", body: new URLSearchParams(%q)})).status`, path, form), &code)
	return code
}

// logIn logs in, and waits until the session is bound.
func (d *device) logIn() {
	d.t.Helper()
	if code := d.post("/login", "email=joe@test.com&password="+password); code != 200 {
		d.t.Fatalf("the log-in got %d", code)
	}
	code := 0
	d.page.Run(`for (let i = 0; i < 200; i++) {
		const code = (await fetch("/bound")).status;
		if (code != 401) return code;
		await new Promise(r => setTimeout(r, 50));
	}
	return 401`, &code)
	if code != 200 {
		d.t.Fatalf("this browser did not bind the session: /bound got %d; %v\n%s", code, d.asked(), d.logged())
	}
}

// want fails the test unless the owner gets that status for path.
func (d *device) want(code int, path string) {
	d.t.Helper()
	if got := d.fetch(d.page, path); got != code {
		d.t.Fatalf("%s got %d, want %d; the browser requested %v, and sent the events %s\n%s", path, got, code, d.asked(), d.b.Events("Network.deviceBoundSessionEventOccurred"), d.logged())
	}
}

// expire waits until every proof made so far has expired.
func (d *device) expire() { <-time.After(proofLife + 500*time.Millisecond) }

// cookies returns all cookies of the browser, as a copy of its files would contain them.
func (d *device) cookies() (header string) {
	d.t.Helper()
	var all struct {
		Cookies []struct{ Name, Value string }
	}
	if err := json.Unmarshal(d.b.Call("Storage.getCookies", nil), &all); err != nil {
		d.t.Fatal(err)
	}
	var list []string
	for _, c := range all.Cookies {
		list = append(list, c.Name+"="+c.Value)
	}
	return strings.Join(list, "; ")
}

// thief requests path from another machine with those cookies.
func (d *device) thief(path, cookies string) (code int, body string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.site.URL(path), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Cookie", cookies)
	res, err := d.site.Client().Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// stolen returns the browser's cookies, with which a thief gets path while the proof among them is valid:
// otherwise a test of what is refused would prove nothing. The proof may expire on the way to the thief, who
// then copies the cookies again.
func (d *device) stolen(path string) (copied string) {
	d.t.Helper()
	err := subprocess.Poll(func(context.Context) error {
		d.want(http.StatusOK, path) // if the proof has expired, the browser gets a new one
		copied = d.cookies()
		if code, body := d.thief(path, copied); code != http.StatusOK {
			return fmt.Errorf("the thief got %d %q of %s", code, body, path)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return copied
}

// TestACopiedCookieJarIsUselessInAnotherBrowser is the theft itself: with a copy of every cookie of
// Chromium, every guarded route refuses once the proof has expired, however often it is tried, and the
// owner is not affected.
func TestACopiedCookieJarIsUselessInAnotherBrowser(t *testing.T) {
	d := newDevice(t)
	d.logIn()
	copied := d.stolen("/me")
	d.expire()
	const tries = 5
	d.saw()
	for path := range d.guarded() {
		for range tries {
			if code, body := d.thief(path, copied); code != http.StatusUnauthorized || strings.Contains(body, "joe") {
				t.Errorf("the thief got %d %q of %s", code, body, path)
			}
			d.want(http.StatusOK, path)
		}
	}
	if all := len(d.guarded()) * tries; strings.Count(d.saw(), string(guard.EventBindingFailed)) != all {
		t.Errorf("want an event for each of %d tries", all)
	}
	d.stolen("/by-hand")
}

// TestChromiumKeepsABoundSessionThroughItsLife of refreshes, tabs, restarts, new ids and log-outs.
func TestChromiumKeepsABoundSessionThroughItsLife(t *testing.T) {
	d := newDevice(t)
	d.logIn()
	d.asked()

	d.want(200, "/me") // the proof is valid
	d.expire()
	d.want(200, "/me") // the browser first gets a new proof
	if asked := d.asked(); !slices.Contains(asked, "POST /device-bound 200") {
		t.Fatalf("no proof was asked for: %v", asked)
	}

	second := d.open()
	d.expire()
	var codes []int
	d.page.Run(`window.codes = Promise.all([1, 2, 3, 4].map(async () => (await fetch("/me")).status))`, nil)
	if code := d.fetch(second, "/me"); code != 200 {
		t.Errorf("the second tab got %d", code)
	}
	d.page.Run(`return await window.codes`, &codes)
	if !slices.Equal(codes, []int{200, 200, 200, 200}) {
		t.Errorf("the first tab got %v", codes)
	}

	d.want(200, "/renew") // the session gets a new id
	d.want(200, "/bound")
	d.second.user, d.second.err = &User{ID: 1}, nil
	if code := d.post("/totp", "code=1"); code != 200 {
		t.Fatalf("the step-up got %d", code)
	}
	d.expire()
	d.want(200, "/bound")

	d.b.Close()
	d.expire()
	d.start()
	d.want(200, "/bound")

	if code := d.post("/logout", ""); code != 200 {
		t.Fatalf("the log-out got %d", code)
	}
	d.want(401, "/me")
	d.logIn() // the next session has another key
	d.expire()
	d.want(200, "/bound")
}

// TestChromiumThatLostItsKeyLogsInAgain: losing the key ends no session, and the next log-in is bound to a
// new key.
func TestChromiumThatLostItsKeyLogsInAgain(t *testing.T) {
	d := newDevice(t)
	d.logIn()
	var event struct {
		CreationEventDetails struct {
			NewSession struct {
				Key struct{ Site, ID string }
			}
		}
	}
	key := &event.CreationEventDetails.NewSession.Key
	d.b.Await("Network.deviceBoundSessionEventOccurred", func(params json.RawMessage) bool {
		return json.Unmarshal(params, &event) == nil && key.ID != ""
	})
	d.page.Call("Network.deleteDeviceBoundSession", map[string]any{"key": map[string]any{"site": key.Site, "id": key.ID}})
	d.expire()
	before := d.cookies()
	d.want(401, "/me")
	if !strings.Contains(before, sid) || d.cookies() != before {
		t.Errorf("the cookies changed from %q to %q", before, d.cookies())
	}
	d.logIn()
	d.expire()
	d.want(200, "/bound")
}

// TestChromiumProvesItsDeviceAtALinkFromAnotherSite: the proof has expired when the user comes back by a
// link in a mail, and for such a request browsers get no new one. A page makes them request the address
// again, from this site.
func TestChromiumProvesItsDeviceAtALinkFromAnotherSite(t *testing.T) {
	for name, mode := range map[string]http.SameSite{"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, func(c *session.Config) { c.SameSite = mode })
			d.logIn()
			d.page.Go("https://elsewhere.test/")
			d.expire()
			d.page.Run(`setTimeout(() => { location = "https://app.example.test/bound" }, 50)`, nil)
			d.page.AwaitText("hello joe")
			if strings.Contains(d.logged(), string(guard.EventBindingFailed)) {
				t.Error("the link is reported as a theft")
			}
			d.want(200, "/bound")
		})
	}
}
