package articletest

import (
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// Protected is the page for those who are logged in.
const Protected = "You can only see this if you are authenticated"

// LogIn logs Joe in, into the file cookie.joe.txt.
const LogIn = `curl http://localhost:3000/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt`

// article is what the article types, and what it sees.
var article = []struct{ command, answer string }{
	{LogIn, `{"cookie":{"originalMaxAge":`},
	{"curl http://localhost:3000/protected -b cookie.joe.txt", Protected},
	{"curl http://localhost:3000/auth/register -c cookie.new.txt -d 'email=new.email@test.com&password=password&confirmationPassword=password&firstName=New&lastName=Test'", `"email":"new.email@test.com"`},
	{"curl http://localhost:3000/auth/login -c cookie.new.txt -d 'email=new.email@test.com&password=password'", `{"cookie":{"originalMaxAge":`},
	{"curl http://localhost:3000/protected -b cookie.new.txt", Protected},
}

// Shell runs what the article types, with the address of this server.
func (p *Process) Shell(dir, command string) string {
	p.t.Helper()
	command = strings.ReplaceAll(command, "http://localhost:3000", p.URL)
	c := subprocess.Command(p.t, time.Minute, "sh", "-c", strings.Replace(command, "curl ", "curl --silent --show-error ", 1))
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v: %s", command, err, out)
	}
	return string(out)
}

// TypeArticle runs what the article types, and fails the test unless it sees what the article sees. It
// returns the folder with its cookies: that of cookie.new.txt is still logged in.
func (p *Process) TypeArticle() (dir string) {
	p.t.Helper()
	dir = p.t.TempDir()
	for _, a := range article {
		if got := p.Shell(dir, a.command); !strings.Contains(got, a.answer) {
			p.t.Errorf("%s\ngot %s, want it to contain %s", a.command, got, a.answer)
		}
	}
	for _, command := range []string{
		"curl http://localhost:3000/protected",
		"curl -X POST http://localhost:3000/auth/logout -b cookie.joe.txt && curl http://localhost:3000/protected -b cookie.joe.txt",
	} {
		if got := p.Shell(dir, command); strings.Contains(got, Protected) {
			p.t.Errorf("%s\ngot %s, want it refused", command, got)
		}
	}
	return dir
}

// TypeREADME runs the curl commands in the console blocks of README.md, and fails the test unless each is
// answered as the page says; … stands for anything. It compares what go run prints there with what this
// server has printed. It returns how many commands there were.
func (p *Process) TypeREADME() (commands int) {
	p.t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		p.t.Fatal(err)
	}
	dir := p.t.TempDir()
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		for entry := range strings.SplitSeq(block[1], "\n\n") {
			command, want, _ := strings.Cut(strings.TrimSpace(entry), "\n")
			command = strings.TrimPrefix(command, "$ ")
			var got string
			switch {
			case strings.HasPrefix(command, "go run "):
				got, _, _ = strings.Cut(strings.ReplaceAll(p.Welcome, p.URL, "http://localhost:3000"), "\n\n")
			case strings.HasPrefix(command, "curl "):
				got = p.Shell(dir, command)
			default:
				continue
			}
			commands++
			pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$"
			if !regexp.MustCompile(pattern).MatchString(strings.TrimSpace(got)) {
				p.t.Errorf("%s\ngot %s, want %s", command, got, want)
			}
		}
	}
	return commands
}
