package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The example's users.
const (
	joe, joesPass = "joefoo@test.com", "Passw0rd!"
	jen, jensPass = "jenbar@test.com", "P4ssword!"
)

// attack is one kind of attack. It reports for each try whether it was refused.
type attack struct {
	name string
	try  func(c *client, report func(what string, refused bool)) (statistics string, err error)
}

// sessionAttacks are attacks that guess no password.
var sessionAttacks = []attack{
	{"cookie tampered in every byte", tampered},
	{"cookies forged, duplicated, oversized", forged},
	{"cookies replayed after a log-out", replayed},
	{"session fixation", fixation},
	{"posts from other sites", crossSite},
	{"header injection", injection},
	{"ways around the guard", around},
	{"odd credentials", oddCredentials},
}

// guessingAttacks guess passwords, or keep the server busy with hashing them.
var guessingAttacks = []attack{
	{"enumeration by status, body and headers", enumeration},
	{"enumeration by time", timing},
	{"brute force, 200 guesses at once", bruteForce},
	{"tricks to have more guesses looked at", tricks},
	{"registrations that starve log-ins", starving},
}

// attacks are the attacks that fit a server with any flags.
var attacks = slices.Concat(sessionAttacks, guessingAttacks)

// entered reports whether the guarded page was shown.
func entered(a answer) bool {
	return a.status < 300 && strings.Contains(a.body, "only see this if you are authenticated")
}

func tampered(c *client, report func(string, bool)) (string, error) {
	good, err := c.logInCookie(joe, joesPass)
	if err != nil {
		return "", err
	}
	if a, err := c.protected(good); err != nil || !entered(a) {
		return "", fmt.Errorf("the valid cookie is refused: %d, %w", a.status, err)
	}
	value := strings.IndexByte(good, '=') + 1
	for i := value; i < len(good); i++ {
		for _, b := range []byte{good[i] ^ 1, good[i] ^ 2, 'A', '.', '%'} {
			if b == good[i] || b <= ' ' || b >= 0x7f || strings.IndexByte(`";,\`, b) >= 0 {
				continue
			}
			a, err := c.protected(good[:i] + string(b) + good[i+1:])
			if err != nil {
				return "", err
			}
			report(fmt.Sprintf("byte %d", i-value), !entered(a) && a.status < 500)
		}
		a, err := c.protected(good[:i])
		if err != nil {
			return "", err
		}
		report(fmt.Sprintf("cut at byte %d", i-value), !entered(a) && a.status < 500)
	}
	return "", nil
}

func forged(c *client, report func(string, bool)) (string, error) {
	good, err := c.logInCookie(joe, joesPass)
	if err != nil {
		return "", err
	}
	name, value, _ := strings.Cut(good, "=")
	for what, cookie := range map[string]string{
		"no value":              name + "=",
		"no signature":          name + "=" + value[:len(value)/2],
		"twice a wrong one":     name + "=x; " + name + "=y",
		"its halves":            name + "=" + value[:len(value)/2] + "; " + name + "=" + value[len(value)/2:],
		"another name":          strings.ToUpper(name) + "=" + value,
		"an unsigned id":        name + "=" + strings.Repeat("A", 32),
		"Express's form":        "connect.sid=s%3A" + strings.Repeat("A", 32) + "." + strings.Repeat("A", 43),
		"base64 of JSON":        name + "=eyJwYXNzcG9ydCI6eyJ1c2VyIjoxfX0",
		"Redis's own letters":   name + "=*3%0D%0A$3%0D%0AGET",
		"60 KB of one":          name + "=" + strings.Repeat("A", 60_000),
		"a megabyte":            name + "=" + strings.Repeat("A", 1<<20),
		"3000 cookies":          strings.Repeat("a=b; ", 3000) + name + "=x",
		"500 of the same name":  strings.Repeat(name+"=x; ", 500),
		"a path for a key":      name + "=../../sess:1",
		"a wildcard for a key":  name + "=*",
		"percent-encoded NULs":  name + "=%00%00%00",
		"the signature doubled": name + "=" + value + value,
	} {
		a, err := c.protected(cookie)
		if err != nil && len(cookie) < 1<<20 {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		report(what, err != nil || !entered(a) && a.status < 500)
	}
	return "", nil
}

func replayed(c *client, report func(string, bool)) (string, error) {
	cookie, err := c.logInCookie(joe, joesPass)
	if err != nil {
		return "", err
	}
	// A second log-in in the same browser: the first cookie must no longer work.
	second, err := c.logInCookie(joe, joesPass, "Cookie", cookie)
	if err != nil {
		return "", err
	}
	a, err := c.protected(cookie)
	if err != nil {
		return "", err
	}
	report("the cookie before a further log-in", !entered(a))
	if a, err = c.protected(second); err != nil || !entered(a) {
		return "", fmt.Errorf("the current cookie is refused: %d, %w", a.status, err)
	}
	// Reads that are in progress while the session is logged out must not bring it back.
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = c.protected(second) })
	}
	out, err := c.send(http.MethodPost, "/auth/logout", "", "Cookie", second)
	wg.Wait()
	if err != nil || out.status != http.StatusOK {
		return "", fmt.Errorf("log out: %d, %w", out.status, err)
	}
	for _, again := range []string{second, second + "; " + cookie, second + "; " + second} {
		if a, err = c.protected(again); err != nil {
			return "", err
		}
		report("a cookie after the log-out", !entered(a))
	}
	a, err = c.send(http.MethodGet, "/whoami", "", "Cookie", second)
	report("whoami after the log-out", !strings.Contains(a.body, "Joe") && a.status == http.StatusUnauthorized)
	return "", err
}

func fixation(c *client, report func(string, bool)) (string, error) {
	// The attacker puts a cookie of their own, live or ended, into the victim's browser.
	own, err := c.logInCookie(jen, jensPass)
	if err != nil {
		return "", err
	}
	dead, err := c.logInCookie(jen, jensPass)
	if err == nil {
		_, err = c.send(http.MethodPost, "/auth/logout", "", "Cookie", dead)
	}
	if err != nil {
		return "", err
	}
	name, _, _ := strings.Cut(own, "=")
	for what, planted := range map[string]string{"alive": own, "logged out": dead, "invented": name + "=" + strings.Repeat("A", 76)} {
		victims, err := c.logInCookie(joe, joesPass, "Cookie", planted)
		if err != nil {
			return "", err
		}
		report("a planted cookie, "+what+", is kept", victims != planted)
		a, err := c.send(http.MethodGet, "/whoami", "", "Cookie", planted)
		if err != nil {
			return "", err
		}
		report("a planted cookie, "+what+", becomes the victim's", !strings.Contains(a.body, "Joe"))
	}
	return "", nil
}

func crossSite(c *client, report func(string, bool)) (string, error) {
	cookie, err := c.logInCookie(joe, joesPass)
	if err != nil {
		return "", err
	}
	credentials := form("email", joe, "password", joesPass)
	for _, path := range []string{"/auth/login", "/auth/logout", "/auth/register", "/protected", "/whoami"} {
		for _, from := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site", "Origin", c.base},
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", c.base + ".evil.example"},
		} {
			for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain", "application/json"} {
				a, err := c.send(http.MethodPost, path, credentials, append([]string{"Cookie", cookie, "Content-Type", kind}, from...)...)
				if err != nil {
					return "", err
				}
				_, set := a.cookie()
				report(fmt.Sprintf("POST %s, %v, %s", path, from, kind), a.status >= 400 && a.status < 500 && set == "")
			}
		}
	}
	if a, err := c.protected(cookie); err != nil || !entered(a) {
		return "", fmt.Errorf("the victim's session has ended: %d, %w", a.status, err)
	}
	return "", nil
}

func injection(c *client, report func(string, bool)) (string, error) {
	const evil = "x\r\nSet-Cookie: sid=evil\r\nX-Evil: 1\r\n\r\n<script>"
	clean := func(a answer) bool {
		_, value := a.cookie()
		return a.header.Get("X-Evil") == "" && value != "evil" && !strings.Contains(a.body, "<script>") && a.status < 500
	}
	for _, try := range []struct{ path, body string }{
		{"/auth/login", form("email", evil, "password", evil)},
		{"/auth/login?return_to=" + form("", evil)[1:], form("email", evil, "password", "x")},
		{"/protected?" + form("q", evil), ""},
		{"/%0d%0aSet-Cookie:%20sid=evil", ""},
		{"/auth/logout", form("return_to", evil)},
		{"/auth/register", form("email", evil)},
	} {
		method := http.MethodGet
		if try.body != "" {
			method = http.MethodPost
		}
		a, err := c.send(method, try.path, try.body, "Referer", "https://evil.example/", "Accept", "text/html")
		if err != nil {
			return "", err
		}
		report(try.path, clean(a))
	}
	return "", nil
}

func around(c *client, report func(string, bool)) (string, error) {
	for _, path := range []string{"/protected", "/whoami"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "PROPFIND", "X"} {
			a, err := c.send(method, path, "", "X-HTTP-Method-Override", "GET", "Authorization", "Basic am9lZm9vQHRlc3QuY29tOlBhc3N3MHJkIQ==")
			if err != nil {
				return "", err
			}
			report(method+" "+path, !entered(a) && a.status >= 400 && a.status < 600 && !strings.Contains(a.body, "Joe"))
		}
	}
	for _, path := range []string{"//protected", "/./protected", "/x/../protected", "/PROTECTED", "/protected/", "/%70rotected", "/protected%2f", "/protected;x=y", "/protected?user=1", "/protected%00", "/protected.json"} {
		for _, header := range [][]string{nil, {"X-Original-URL", "/"}, {"X-Forwarded-For", "127.0.0.1"}, {"X-User", "1"}, {"X-Rewrite-URL", "/"}} {
			a, err := c.send(http.MethodGet, path, "", header...)
			if err != nil {
				return "", err
			}
			report(path+" "+strings.Join(header, ": "), !entered(a) && a.status < 500)
		}
	}
	return "", nil
}

func oddCredentials(c *client, report func(string, bool)) (string, error) {
	const asJSON = "application/json"
	for _, try := range []struct{ path, kind, body string }{
		{"/auth/login?" + form("email", joe, "password", joesPass), asJSON, "{}"},
		{"/auth/login", asJSON, `{"email":"joefoo@test.com","password":{"$ne":null}}`},
		{"/auth/login", asJSON, `{"email":["joefoo@test.com"],"password":"Passw0rd!"}`},
		{"/auth/login", asJSON, `{"email":"joefoo@test.com","password":true}`},
		{"/auth/login", asJSON, `{"email":"joefoo@test.com","password":"x","password":"Passw0rd!"}`},
		{"/auth/login", asJSON, `{"email":"joefoo@test.com","password":"x","Password":"Passw0rd!"}`},
		{"/auth/login", asJSON, `[{"email":"joefoo@test.com","password":"Passw0rd!"}]`},
		{"/auth/login", asJSON, `{"email":"' OR 1=1 --","password":"' OR 1=1 --"}`},
		{"/auth/login", "application/x-www-form-urlencoded", "email=joefoo%40test.com&password=x&password=Passw0rd!"},
		{"/auth/login", "application/x-www-form-urlencoded", "email[]=joefoo%40test.com&password=Passw0rd!"},
		{"/auth/login", "application/x-www-form-urlencoded", form("email", joe, "password", joesPass+"\x00")},
		{"/auth/login", "application/x-www-form-urlencoded", form("email", joe, "password", strings.Repeat("A", 1<<20))},
		{"/auth/login", "text/html", form("email", joe, "password", joesPass)},
		{"/auth/login", "", ""},
	} {
		a, err := c.send(http.MethodPost, try.path, try.body, "Content-Type", try.kind)
		if err != nil {
			return "", err
		}
		_, set := a.cookie()
		report(fmt.Sprintf("%s %s %.40s", try.path, try.kind, try.body), a.status >= 400 && a.status < 500 && set == "")
	}
	return "", nil
}

func enumeration(c *client, report func(string, bool)) (string, error) {
	for _, known := range []string{joe, jen, strings.ToUpper(joe)} {
		a, err := c.logIn(known, "wrong")
		if err != nil {
			return "", err
		}
		for _, unknown := range []string{"nobody@test.com", "root", strings.Repeat("x", 500) + "@test.com"} {
			b, err := c.logIn(unknown, "wrong")
			if err != nil {
				return "", err
			}
			report("status of "+unknown[:4], a.status == b.status)
			report("body of "+unknown[:4], a.body == b.body)
			a.header.Del("Date")
			b.header.Del("Date")
			report("headers of "+unknown[:4], fmt.Sprint(a.header) == fmt.Sprint(b.header))
		}
	}
	return "", nil
}

// budget is how many guesses at one account the example checks within a time: ten at once, and then one
// after each pause, and each pause is twice as long as the one before.
func budget(within time.Duration) int32 {
	n := int32(10)
	for pause := 30 * time.Second; within >= pause; pause *= 2 {
		n++
		within -= pause
	}
	return n
}

func bruteForce(c *client, report func(string, bool)) (string, error) {
	const guesses = 200
	start := time.Now()
	var looked atomic.Int32
	var failed atomic.Value
	var wg sync.WaitGroup
	for i := range guesses {
		wg.Go(func() {
			// All guesses are wrong: the right password among the first ten would log in.
			a, err := c.logIn(jen, fmt.Sprint("guess ", i))
			switch {
			case err != nil:
				failed.Store(err)
			case a.status != http.StatusTooManyRequests:
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	if err, ok := failed.Load().(error); ok {
		return "", err
	}
	text := verdict(start, looked.Load(), guesses, "guesses", report)
	if _, err := c.logIn(jen, "a guess for the place that a pause may have opened"); err != nil {
		return "", err
	}
	a, err := c.logIn(jen, jensPass)
	if err != nil {
		return "", err
	}
	report("the right password is answered differently while guessing is slowed down", a.status == http.StatusTooManyRequests && a.header.Get("Retry-After") != "")
	return text, nil
}
