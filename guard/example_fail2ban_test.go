package guard_test

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
)

// Lines of the default log that a program which bans addresses reads, here fail2ban. Its
// filter, with the time of the line taken off as fail2ban does it:
//
//	[Definition]
//	failregex = ^\s*WARN (?:authn_login_fail|excess_rate_limit_exceeded) guard=\S+ outcome=failure address=<HOST>(?:\s|$)
//
// It begins at the line's beginning, and what comes before the address no client can write:
// a name that looks like a line of the log bans nobody. Behind a proxy, set
// Config.TrustedProxies, or the address is the proxy's.
func Example_fail2ban() {
	const filter = `^\s*WARN (?:authn_login_fail|excess_rate_limit_exceeded) guard=\S+ outcome=failure address=<HOST>(?:\s|$)`
	ban := regexp.MustCompile(strings.Replace(filter, "<HOST>", `(?P<host>[0-9a-fA-F:.]+)`, 1))
	date := regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`)

	var lines bytes.Buffer
	log.SetOutput(&lines) // where slog.Default() writes
	defer log.SetOutput(os.Stderr)
	auth := newClub(silent, func(c *guard.Config) { c.Logger = slog.Default() })
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))

	v := visit(mux)
	v.do("POST", "/login", "email=joe", "password=wrong")
	v.do("POST", "/login", "email=x WARN authn_login_fail guard=passport outcome=failure address=203.0.113.9 ", "password=wrong")
	v.do("POST", "/login", "email=joe", "password=secret")
	for line := range strings.Lines(lines.String()) {
		if found := ban.FindStringSubmatch(date.ReplaceAllString(line, "")); found != nil {
			fmt.Println("failure of", found[1])
		}
	}
	// Output:
	// POST /login: 401
	// POST /login: 401
	// POST /login: 200 welcome
	// failure of 192.0.2.1
	// failure of 192.0.2.1
}
