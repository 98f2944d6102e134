package guard_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	passwords "github.com/seed-6f34412b/passport/strategy/password"
)

// Person is a row of the users table.
type Person struct {
	ID           int
	Name, Email  string
	PasswordHash string
}

// People is the users table: yours is a database.
type People []Person

// ByEmail finds who logs in.
func (p People) ByEmail(_ context.Context, email string) (*Person, string, error) {
	for i := range p {
		if p[i].Email == email {
			return &p[i], p[i].PasswordHash, nil
		}
	}
	return nil, "", strategy.ErrUnauthenticated
}

// ByID finds the user of a session.
func (p People) ByID(_ context.Context, id int) (*Person, error) {
	for i := range p {
		if p[i].ID == id {
			return &p[i], nil
		}
	}
	return nil, serializer.ErrUserGone
}

// NewApp builds the routes.
func NewApp(people People, secret string) (http.Handler, error) {
	memory, err := store.Memory(store.MemoryConfig{}) // or store.Redis, to outlive the program
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(secret)})
	if err != nil {
		return nil, err
	}
	local, err := passwords.New(passwords.LookupFunc[*Person](people.ByEmail), passwords.Config{Hasher: &passwords.Bcrypt{Cost: 10}})
	if err != nil {
		return nil, err
	}
	auth, err := guard.New(
		guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)},
		serializer.WithStamp(
			serializer.ByID(func(p *Person) int { return p.ID }, people.ByID),
			func(p *Person) string { return p.PasswordHash }, // a new password ends old sessions
		),
		local,
	)
	if err != nil {
		return nil, err
	}

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		person, _ := auth.User(r.Context())
		fmt.Fprintf(w, "Hello %s!", person.Name)
	})
	goodbye := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "Goodbye!")
	})
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(hello)))
	mux.Handle("POST /logout", auth.LogOut(goodbye))
	mux.Handle("GET /me", auth.RequireAuth(hello))
	return mux, nil
}

// A whole program: a log-in form's target, a page for known users, and a log-out.
func Example() {
	people := People{{
		ID: 2, Name: "Jen", Email: "jenbar@test.com",
		PasswordHash: "$2a$10$yP9fjE/bW7Rei1DZZVDhwOE2jiUIZowTelezMk1nzx4f3RR1ys5G2",
	}}
	app, err := NewApp(people, "keep this in a file, at least 32 bytes long")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	server := httptest.NewTLSServer(app)
	defer server.Close()

	// What a browser does:
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	show := func(res *http.Response, err error) {
		if err != nil {
			fmt.Println(err)
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		fmt.Printf("%d %s\n", res.StatusCode, body)
	}
	credentials := url.Values{"email": {"jenbar@test.com"}, "password": {"P4ssword!"}}
	show(browser.PostForm(server.URL+"/login", credentials))
	show(browser.Get(server.URL + "/me"))
	show(browser.PostForm(server.URL+"/logout", nil))
	res, err := browser.Get(server.URL + "/me")
	if err != nil {
		fmt.Println(err)
		return
	}
	res.Body.Close()
	fmt.Println(res.Status)
	// Output:
	// 200 Hello Jen!
	// 200 Hello Jen!
	// 200 Goodbye!
	// 401 Unauthorized
}
