// Command example is the flow of Nest's guide to authentication: log in with a
// password, get a token that is good for a few minutes, show it to a guarded route, and
// exchange the refresh token for the next pair. No session is kept anywhere.
//
//	go run ./example
//	curl localhost:3000/auth/login -d 'email=joefoo@test.com&password=Passw0rd!'
//	curl localhost:3000/profile -H "Authorization: Bearer $ACCESS_TOKEN"
//
// Read app.go first.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/seed-6f34412b/passport/strategy/password"
)

const address = "localhost:3000"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

func run() error {
	users, err := newUsers(&password.Bcrypt{})
	if err != nil {
		return err
	}
	handler, err := newApp("http://"+address, users)
	if err != nil {
		return err
	}
	fmt.Printf(welcome, address)
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

const welcome = `listening on http://%[1]s, Ctrl-C stops
users: joefoo@test.com with Passw0rd!, jenbar@test.com with P4ssword!

try:   curl %[1]s/auth/login -d 'email=joefoo@test.com&password=Passw0rd!'
then:  curl %[1]s/profile -H 'Authorization: Bearer <access_token>'
and:   curl %[1]s/auth/refresh -d 'refresh_token=<refresh_token>'
`
