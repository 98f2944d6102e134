package cookies_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// cookieFixtures is the part about cookies of the data made by Node.
type cookieFixtures struct {
	Signatures []struct{ ID, Secret, Signed, Encoded, SetCookie string }
	Unsign     []struct {
		Value, Secret string
		Result        any // false or the id
	}
	Requests []struct {
		Header  string
		Secrets []string
		ID      *string // nil if Node finds no signed cookie
	}
	CookieParse []struct {
		Header string
		Result [][2]string
	}
	PercentEncode   []struct{ Text, Encoded string }
	PercentDecode   []struct{ Raw, OK, Error string }
	CookieSerialize []struct {
		Opts          nodeCookie
		Result, Error string
	}
	CookieName  []struct{ Name, OK, Error string }
	CookieValue []struct{ Value, OK, Error string }
	CookiePath  []struct{ Path, OK, Error string }
	Layouts     []struct {
		Label, Secret, SetCookie, Live string
		Opts                           struct {
			Name   string
			Secret any
		}
	}
}

// nodeCookie has a cookie's options as JavaScript has them.
type nodeCookie struct {
	Domain, Path, Priority        string
	Expires                       any // a date's JSON, null or false
	HTTPOnly, Secure, Partitioned bool
	SameSite                      any
}

func (n nodeCookie) attrs(t *testing.T) (c cookies.Attributes, expires time.Time) {
	t.Helper()
	c = cookies.Attributes{
		Domain: n.Domain, Path: n.Path, Priority: n.Priority,
		HTTPOnly: n.HTTPOnly, Secure: n.Secure, Partitioned: n.Partitioned,
	}
	if text, ok := n.Expires.(string); ok {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		expires = at
	}
	switch mode := n.SameSite.(type) {
	case bool:
		if mode {
			c.SameSite = http.SameSiteStrictMode
		}
	case string:
		c.SameSite = map[string]http.SameSite{
			"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode, "": 0,
		}[strings.ToLower(mode)]
		if c.SameSite == 0 && mode != "" {
			c.SameSite = 99
		}
	}
	return c, expires
}

// setCookie returns the Set-Cookie line of a cookie.
func setCookie(a cookies.Attributes, value string, expires time.Time) (string, error) {
	l, err := cookies.NewLine(a)
	if err != nil {
		return "", err
	}
	return l.Set(value, time.Time{}, expires)
}

// eachFixture runs test on both files: the one that came with the protocol and the one that
// internal/interop makes. rows is the number of rows that test used.
func eachFixture(t *testing.T, test func(t *testing.T, f *cookieFixtures) (rows int)) {
	t.Helper()
	total := 0
	for _, name := range []string{"given.json", "node.json"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile("../../session/testdata/interop/" + name)
			if err != nil {
				t.Fatal(err)
			}
			f := new(cookieFixtures)
			if err := json.Unmarshal(data, f); err != nil {
				t.Fatal(err)
			}
			rows := test(t, f)
			t.Logf("%d rows", rows)
			total += rows
		})
	}
	if total == 0 {
		t.Error("no row in either file")
	}
}

func TestInteropSignatures(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		for _, row := range f.Signatures {
			if got := "s:" + cookies.Sign(row.ID, row.Secret); got != row.Signed {
				t.Errorf("sign(%q, %q) = %q, Node signs %q", row.ID, row.Secret, got, row.Signed)
			}
			if got := cookies.PercentEncode(row.Signed); got != row.Encoded {
				t.Errorf("percentEncode(%q) = %q, Node encodes %q", row.Signed, got, row.Encoded)
			}
			if got := cookies.PercentDecode(row.Encoded); got != row.Signed {
				t.Errorf("percentDecode(%q) = %q, Node decodes %q", row.Encoded, got, row.Signed)
			}
			codec := cookies.InsecureExpress(row.Secret)
			valid := cookies.ValidID(row.ID)
			value, err := codec.Encode("connect.sid", row.ID)
			if valid != (err == nil) || valid && value != row.Encoded {
				t.Errorf("encode(%q) = %q, %v, Node writes %q, valid id: %v", row.ID, value, err, row.Encoded, valid)
			}
			for _, sent := range []string{row.Encoded, row.Signed} {
				if sent == row.Signed && strings.Contains(row.ID, "%") {
					continue // cookie 0.7.2 would unescape it
				}
				if id, ok := codec.Decode("connect.sid", sent); ok != valid || valid && id != row.ID {
					t.Errorf("decode(%q) = %q, %v, Node signed %q, valid id: %v", sent, id, ok, row.ID, valid)
				}
			}
			if got, err := setCookie(cookies.Attributes{Name: "connect.sid", Path: "/"}, cookies.PercentEncode(row.Signed), time.Time{}); got != row.SetCookie || err != nil {
				t.Errorf("Set-Cookie for id %q is %q, %v, Node sets %q", row.ID, got, err, row.SetCookie)
			}
		}
		return len(f.Signatures)
	})
}

func TestInteropUnsign(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		for _, row := range f.Unsign {
			want, wantOK := row.Result.(string)
			if got, ok := cookies.Unsign(row.Value, row.Secret); ok != wantOK || got != want {
				t.Errorf("unsign(%q, %q) = %q, %v, Node returns %v", row.Value, row.Secret, got, ok, row.Result)
			}
		}
		return len(f.Unsign)
	})
}

func TestInteropRequests(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		for _, row := range f.Requests {
			codec := cookies.Express(row.Secrets...)
			got, ok := "", false
			for raw := range cookies.Values(row.Header, "connect.sid") {
				got, ok = codec.Decode("connect.sid", raw)
				break // Node uses the first only
			}
			want, wantOK := "", row.ID != nil && cookies.ValidID(*row.ID)
			if wantOK {
				want = *row.ID
			}
			if got != want || ok != wantOK {
				t.Errorf("Cookie: %s\nid %q, %v, want %q, %v", row.Header, got, ok, want, wantOK)
			}
		}
		return len(f.Requests)
	})
}

func TestInteropCookieParse(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		names := make(map[string]bool)
		for _, row := range f.CookieParse {
			for _, pair := range row.Result {
				names[pair[0]] = true
			}
		}
		delete(names, "") // no cookie of ours has an empty name
		for _, row := range f.CookieParse {
			want := make(map[string]string)
			for _, pair := range row.Result {
				want[pair[0]] = pair[1]
			}
			for name := range names {
				got, found := "", false
				for raw := range cookies.Values(row.Header, name) {
					got, found = cookies.PercentDecode(raw), true
					break
				}
				if value, has := want[name]; found != has || got != value {
					t.Errorf("Cookie: %q has %q = %q, %v, Node finds %q, %v", row.Header, name, got, found, value, has)
				}
			}
		}
		return len(f.CookieParse)
	})
}

func TestInteropPercentCoding(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		for _, row := range f.PercentEncode {
			if got := cookies.PercentEncode(row.Text); got != row.Encoded {
				t.Errorf("percentEncode(%q) = %q, Node encodes %q", row.Text, got, row.Encoded)
			}
		}
		for _, row := range f.PercentDecode {
			want := row.OK
			if row.Error != "" {
				want = row.Raw
			}
			if got := cookies.PercentDecode(row.Raw); got != want {
				t.Errorf("percentDecode(%q) = %q, want %q (Node's error: %q)", row.Raw, got, want, row.Error)
			}
		}
		return len(f.PercentEncode) + len(f.PercentDecode)
	})
}

func TestInteropCookieSerialize(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		check := func(c cookies.Attributes, value string, expires time.Time, want, nodeError string) {
			t.Helper()
			if got, err := setCookie(c, value, expires); got != want || (err != nil) != (nodeError != "") {
				t.Errorf("%+v\nis set as %q, %v\nNode sets  %q, %s", c, got, err, want, nodeError)
			}
		}
		for _, row := range f.CookieSerialize {
			c, expires := row.Opts.attrs(t)
			c.Name = "n"
			check(c, "v", expires, row.Result, row.Error)
		}
		for _, row := range f.CookieName {
			check(cookies.Attributes{Name: row.Name}, "v", time.Time{}, row.OK, row.Error)
			if got := cookies.ValidName(row.Name); got != (row.Error == "") {
				t.Errorf("validCookieName(%q) = %v, Node says %q", row.Name, got, row.Error)
			}
		}
		for _, row := range f.CookieValue {
			check(cookies.Attributes{Name: "n"}, row.Value, time.Time{}, row.OK, row.Error)
		}
		for _, row := range f.CookiePath {
			check(cookies.Attributes{Name: "n", Path: row.Path}, "v", time.Time{}, row.OK, row.Error)
			if got := cookies.ValidPath(row.Path); got != (row.Error == "") {
				t.Errorf("validPath(%q) = %v, Node says %q", row.Path, got, row.Error)
			}
		}
		return len(f.CookieSerialize) + len(f.CookieName) + len(f.CookieValue) + len(f.CookiePath)
	})
}

// The cookie that express-session stores in the session is the one that it sets: both are in the same row.
func TestInteropLayoutsSetCookie(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *cookieFixtures) int {
		rows := 0
		for _, row := range f.Layouts {
			if row.SetCookie == "" {
				continue // Node sets no cookie: another path, an error, plain http
			}
			rows++
			var live struct{ Cookie nodeCookie }
			if err := json.Unmarshal([]byte(row.Live), &live); err != nil {
				t.Fatal(err)
			}
			c, expires := live.Cookie.attrs(t)
			c.Name = row.Opts.Name
			if c.Name == "" {
				c.Name = "connect.sid"
			}
			secret := "s"
			switch own := row.Opts.Secret.(type) {
			case string:
				secret = own
			case []any:
				secret = own[0].(string)
			}
			value, err := cookies.InsecureExpress(secret).Encode(c.Name, "ID")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := setCookie(c, value, expires); got != row.SetCookie || err != nil {
				t.Errorf("%s: Set-Cookie is %q, %v, Node sets %q", row.Label, got, err, row.SetCookie)
			}
		}
		return rows
	})
}
