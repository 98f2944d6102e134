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

// What a program that bans addresses reads in the log, here fail2ban 1.0. Its filter fits
// the lines of slog's default logger and of slog.NewTextHandler; fail2ban takes the time out
// of a line before:
//
//	[Definition]
//	failregex = ^(?:time=)?\s*(?:level=)?WARN (?:msg=)?(?:authn_login_fail|excess_rate_limit_exceeded) guard=\S+ outcome=failure address=<HOST>(?:\s|$)
//
// A request without credentials, such as that of a page whose session has ended, is no such
// line. The filter begins at the line's beginning, and what comes before the address no client can write:
// a name that looks like a line of the log bans nobody. Behind a proxy, set
// Config.TrustedProxies, or the address is the proxy's.
func Example_fail2ban() {
	const filter = `^(?:time=)?\s*(?:level=)?WARN (?:msg=)?(?:authn_login_fail|excess_rate_limit_exceeded) guard=\S+ outcome=failure address=<HOST>(?:\s|$)`
	ban := regexp.MustCompile(strings.Replace(filter, "<HOST>", `(?P<host>[0-9a-fA-F:.]+)`, 1))
	date := regexp.MustCompile(`\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?`)

	var lines bytes.Buffer
	log.SetOutput(&lines) // where slog.Default() writes
	log.SetFlags(log.LstdFlags)
	defer log.SetOutput(os.Stderr)
	for _, logger := range []*slog.Logger{slog.Default(), slog.New(slog.NewTextHandler(&lines, nil))} {
		auth := newClub(silent, func(c *guard.Config) { c.Logger = logger })
		mux := http.NewServeMux()
		mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))

		v := visit(mux)
		v.do("POST", "/login", "email=joe", "password=wrong")
		v.do("POST", "/login", "email=x WARN authn_login_fail guard=passport outcome=failure address=203.0.113.9 ", "password=wrong")
		v.do("POST", "/login", "email=joe", "password=secret")
	}
	for line := range strings.Lines(lines.String()) {
		first := date.FindStringIndex(line)
		if found := ban.FindStringSubmatch(line[:first[0]] + line[first[1]:]); found != nil {
			fmt.Println("failure of", found[1])
		}
	}
	// Output:
	// POST /login: 401
	// POST /login: 401
	// POST /login: 200 welcome
	// POST /login: 401
	// POST /login: 401
	// POST /login: 200 welcome
	// failure of 192.0.2.1
	// failure of 192.0.2.1
	// failure of 192.0.2.1
	// failure of 192.0.2.1
}
