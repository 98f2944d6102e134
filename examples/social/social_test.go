package main_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	main "github.com/seed-6f34412b/passport/examples/social"
	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// start runs the program on free ports and returns the application's address.
func start(t *testing.T) string {
	t.Helper()
	return subprocess.Here(t, func(ctx context.Context, ready func(string)) error { return main.Run(ctx, "localhost:0", ready) })
}

// visitor is a browser.
type visitor struct {
	t    testing.TB
	http *http.Client
	app  string
	at   *url.URL
	page string
}

func newVisitor(t testing.TB, app string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, http: &http.Client{Jar: jar}, app: app}
	v.get("/")
	return v
}

func (v *visitor) read(res *http.Response, err error) *visitor {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		v.t.Fatal(err)
	}
	v.at, v.page = res.Request.URL, string(body)
	return v
}

func (v *visitor) get(path string) *visitor {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodGet, v.app+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	return v.read(v.http.Do(r))
}

// post sends a form to path, or to the page's own address for "".
func (v *visitor) post(path string, form ...string) *visitor {
	v.t.Helper()
	to := v.at.String()
	if path != "" {
		to = v.app + path
	}
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return v.read(v.http.PostForm(to, values))
}

// sees fails the test unless the page has text.
func (v *visitor) sees(text string) *visitor {
	v.t.Helper()
	if !strings.Contains(v.page, text) {
		v.t.Fatalf("got the page %s at %s, want %q in it", v.page, v.at, text)
	}
	return v
}

var hidden = regexp.MustCompile(`name="subject" value="(\d+)"`)

var subjects = regexp.MustCompile(`value="(\d+)">I am (\w+)`)

// says answers the provider's question.
func (v *visitor) says(name string) *visitor {
	v.t.Helper()
	for _, m := range subjects.FindAllStringSubmatch(v.sees("wants to know who you are").page, -1) {
		if m[2] == name {
			return v.post("", "subject", m[1])
		}
	}
	v.t.Fatalf("the provider does not know %s", name)
	return v
}

func TestByPasswordAndByProvider(t *testing.T) {
	app := start(t)
	newVisitor(t, app).sees("Who are you?").
		post("/login", "email", "joefoo@test.com", "password", "Passw0rd!").sees("Hello Joe Foo").sees("with a password").
		post("/logout").sees("Who are you?")
	newVisitor(t, app).post("/login", "email", "joefoo@test.com", "password", "wrong").sees("The address or the password is wrong.")
	newVisitor(t, app).get("/login/example").says("Jen").sees("Hello Jen Bar").sees("You are user 2").
		post("/logout").sees("Who are you?").
		get("/login/example").says("Jen").sees("You are user 2")
}

func TestAnAccountIsConnected(t *testing.T) {
	app := start(t)
	joe := newVisitor(t, app).post("/login", "email", "joefoo@test.com", "password", "Passw0rd!").get("/account").sees("Connect an account")
	joe.post("/link/example").says("Jo").sees("Connect this account?").sees("you are Jo")
	joes := []string{"subject", hidden.FindStringSubmatch(joe.page)[1]}
	joe.get("/account").sees("Connect an account") // not yet
	joe.post("/link/confirm", "subject", "another tab's").sees("no account to connect")
	joe.post("/link/confirm", joes...).sees("has an account at the example provider").post("/link/confirm", joes...).sees("no account to connect")
	newVisitor(t, app).get("/login/example").says("Jo").sees("Hello Joe Foo")
	// It is Joe's now, and nobody else's.
	newVisitor(t, app).get("/login/example").says("Jen").post("/link/example").says("Jo").post("/link/confirm", joes...).sees("connected to another user")
}

// TestAnotherSiteConnectsNothing, and neither does a link.
func TestAnotherSiteConnectsNothing(t *testing.T) {
	app := start(t)
	joe := newVisitor(t, app).post("/login", "email", "joefoo@test.com", "password", "Passw0rd!")
	for method, want := range map[string]string{http.MethodGet: "Another site sent you here", http.MethodPost: "Forbidden"} {
		r, err := http.NewRequestWithContext(t.Context(), method, app+"/link/example", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Accept", "text/html")
		joe.read(joe.http.Do(r))
		joe.sees(want).get("/account").sees("Connect an account")
	}
}

func TestAVisitorComesBackToWhatTheyAskedFor(t *testing.T) {
	app := start(t)
	v := newVisitor(t, app).get("/account").sees("Who are you?").sees(`href="/login/example?return_to=%2faccount"`)
	v.get("/login/example?return_to=/account").says("Jen").sees("The account of Jen Bar")
	newVisitor(t, app).post("/login?return_to=/account", "email", "joefoo@test.com", "password", "Passw0rd!").sees("The account of Joe Foo")
}

// Back at the provider's page, the same answer leads to the used callback.
func TestAUsedCallbackIsNoLogOut(t *testing.T) {
	app := start(t)
	v := newVisitor(t, app).get("/login/example")
	provider := *v.at
	v.says("Jen").sees("Hello Jen Bar")
	again := *v
	again.read(again.http.Get(provider.String()))
	again.says("Jen").sees("Hello Jen Bar")
}

func TestLogOutThereEndsTheSessionHere(t *testing.T) {
	app := start(t)
	jen := newVisitor(t, app).get("/login/example").says("Jen")
	jen.post("/logout", "everywhere", "yes").sees("Who are you?")
	if got := jen.at.String(); got != app+"/" {
		t.Errorf("got sent to %s, want back to the application", got)
	}
	// The provider's own page, without a log-out here first.
	jen.get("/login/example").says("Jen").sees("Hello Jen")
	jen.read(jen.http.Get(providerOf(t, jen) + "/logout")).sees("You are logged out here.")
	jen.get("/").sees("Who are you?")
}

// providerOf returns the provider's address.
func providerOf(t testing.TB, v *visitor) string {
	t.Helper()
	w := newVisitor(t, v.app).get("/login/example")
	return w.at.Scheme + "://" + w.at.Host
}

func TestTheProviderRefusesStrangers(t *testing.T) {
	app := start(t)
	v := newVisitor(t, app).get("/login/example")
	q := v.at.Query()
	q.Set("redirect_uri", "https://evil.example/")
	v.at.RawQuery = q.Encode()
	v.post("", "subject", "1001").sees("no request of an application that is known here")
	newVisitor(t, app).get("/login/example").post("").sees("Unauthorized") // says nothing
}

func TestOnlyTheLoopbackIsServed(t *testing.T) {
	err := main.Run(t.Context(), "0.0.0.0:0", func(string) {})
	if err == nil || !strings.Contains(err.Error(), "localhost") {
		t.Errorf("got %v, want a refusal that names the cure", err)
	}
	if err := main.Run(t.Context(), "nonsense", func(string) {}); err == nil {
		t.Error("got no error for an address that is none")
	}
}
