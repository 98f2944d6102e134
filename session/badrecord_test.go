package session_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// goodCookie is the member that express-session needs.
const goodCookie = `"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}`

// nobody is the user of a record that is a session without a log-in; ignored means that the record does not
// count as a session.
const (
	nobody  = ""
	ignored = "ignored"
)

const nodesID = "an-id-that-Node-made"

func joe(more string) string { return `{` + goodCookie + `,"passport":{"user":1}` + more + `}` }

// badRecords are records that neither our programs nor Node's write, and the user whom Go finds in each.
// For most of the ignored ones Node answers with a 500, on every request.
var badRecords = []struct{ name, record, user string }{
	{"nothing", "", ignored},
	{"blanks", " \n\t", ignored},
	{"not JSON", "hello", ignored},
	{"null", "null", ignored},
	{"a number", "1", ignored},
	{"a string", `"{}"`, ignored},
	{"true", "true", ignored},
	{"an array", "[]", ignored},
	{"an array of a session", "[" + joe("") + "]", ignored},
	{"an empty object", "{}", ignored},
	{"no cookie", `{"passport":{"user":1}}`, ignored},
	{"cookie null", `{"cookie":null,"passport":{"user":1}}`, ignored},
	{"cookie an array", `{"cookie":[],"passport":{"user":1}}`, ignored},
	{"cookie a string", `{"cookie":"{}","passport":{"user":1}}`, ignored},
	{"cookie a number", `{"cookie":1,"passport":{"user":1}}`, ignored},
	{"cookie false", `{"cookie":false,"passport":{"user":1}}`, ignored},
	{"cookie of another case", `{"Cookie":{"originalMaxAge":null},"passport":{"user":1}}`, ignored},
	{"cookie twice, null last", `{` + goodCookie + `,"cookie":null,"passport":{"user":1}}`, ignored},
	{"truncated by a byte", strings.TrimSuffix(joe(""), "}"), ignored},
	{"truncated in the user", `{` + goodCookie + `,"passport":{"user":`, ignored},
	{"truncated in a name", `{` + goodCookie + `,"pass`, ignored},
	{"truncated in an escape", `{` + goodCookie + `,"v":"\u12`, ignored},
	{"truncated in the cookie", `{"cookie":{"originalMaxAge":`, ignored},
	{"two records", joe("") + joe(""), ignored},
	{"something behind it", joe("") + "x", ignored},
	{"a byte order mark", "\ufeff" + joe(""), ignored},
	{"single quotes", strings.ReplaceAll(joe(""), `"`, "'"), ignored},
	{"a comma too many", joe(","), ignored},
	{"a comma too few", `{` + goodCookie + ` "passport":{"user":1}}`, ignored},
	{"a comment", joe("/* */"), ignored},
	{"NaN", joe(`,"n":NaN`), ignored},
	{"a leading zero", joe(`,"n":01`), ignored},
	{"a hexadecimal number", joe(`,"n":0x1`), ignored},
	{"a line break in a string", joe(",\"s\":\"a\nb\""), ignored},
	{"a NUL in a string", joe(",\"s\":\"a\x00b\""), ignored},
	{"a NUL behind it", joe("") + "\x00", ignored},
	{"invalid UTF-8", joe(",\"s\":\"\xff\xfe\""), ignored},
	{"a surrogate in UTF-8", joe(",\"s\":\"\xed\xa0\x80\""), ignored},
	{"gob", "\x0e\xff\x81\x04\x01\x02\xff\x82\x00\x01\x0c\x01\x10\x00\x00", ignored},
	{"PHP's serialization", `a:1:{s:4:"user";i:1;}`, ignored},
	{"100,000 levels of arrays", joe(`,"v":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), ignored},
	{"100,000 levels of objects", joe(`,"v":` + strings.Repeat(`{"v":`, 100_000) + "1" + strings.Repeat("}", 100_000)), ignored},
	{"100,000 levels that do not end", strings.Repeat("[", 100_000), ignored},
	{"100,000 levels in the cookie", `{"cookie":{"path":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `},"passport":{"user":1}}`, ignored},
	{"5 MB of text", joe(`,"v":"` + strings.Repeat("x", 5<<20) + `"`), ignored},
	{"5 MB of blanks", joe("") + strings.Repeat(" ", 5<<20), ignored},
	{"5 MB of braces", strings.Repeat("{", 5<<20), ignored},
	{"log-ins without end", joe(`,"_go":{"b":1795442400123,"s":1795442400123,"k":["` + strings.Repeat(`a","`, 100_000) + `b"]}`), ignored},
	{"log-ins without end among values without end", joe(`,"_go":{"b":1795442400123,"k":["` + strings.Repeat(`a","`, 80_000) + `b"]}` + numbered(60_000)), ignored},

	{"cookie empty", `{"cookie":{},"passport":{"user":1}}`, "1"},
	{"garbage for dates", `{"cookie":{"originalMaxAge":60000,"expires":"yesterday","httpOnly":true,"path":"/"},"passport":{"user":1}}`, "1"},
	{"a date of no calendar", `{"cookie":{"originalMaxAge":60000,"expires":"2026-13-45T99:99:99.999Z"},"passport":{"user":1}}`, "1"},
	{"numbers for texts", `{"cookie":{"originalMaxAge":"soon","expires":{},"httpOnly":"yes","path":7,"sameSite":[]},"passport":{"user":1}}`, "1"},
	{"an age below zero", `{"cookie":{"originalMaxAge":-1},"passport":{"user":1}}`, "1"},
	{"an age without end", `{"cookie":{"originalMaxAge":1e400},"passport":{"user":1}}`, "1"},
	{"an age of 300 digits", `{"cookie":{"originalMaxAge":` + strings.Repeat("9", 300) + `},"passport":{"user":1}}`, "1"},
	{"the user twice", `{` + goodCookie + `,"passport":{"user":2,"user":1}}`, "1"},
	{"passport twice", `{` + goodCookie + `,"passport":{"user":2},"passport":{"user":1}}`, "1"},
	{"the name escaped", `{` + goodCookie + `,"p\u0061ssport":{"us\u0065r":1}}`, "1"},
	{"5,000 levels of arrays", joe(`,"v":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), "1"},
	{"1 MB of values", joe(numbered(80_000)), "1"},
	{"1 MB of one value", joe(strings.Repeat(`,"v":1`, 150_000)), "1"},
	{"1 MB of a name", joe(`,"` + strings.Repeat("n", 1_000_000) + `":1`), "1"},
	{"1 MB of escapes", joe(`,"` + strings.Repeat(`\u0061`, 170_000) + `":1`), "1"},
	{"our own notes of another type", joe(`,"_go":[1]`), "1"},
	{"our own notes with nonsense", joe(`,"_go":{"b":"x","s":-1,"v":5,"k":{},"l":"passport:2"}`), "1"},
	{"our own notes from the future", joe(`,"_go":{"b":9999999999999,"s":9999999999999}`), "1"},
	{"a time of log-in that is none", joe(`,"x":1,"passport":{"user":1,"go":{"for":1,"at":"now","stamp":7,"factors":[]}}`), "1"},
	{"another user's facts", joe(`,"x":1,"passport":{"user":1,"go":{"for":2,"at":1,"stamp":"s"}}`), "1"},
	{"100,000 labels", joe(`,"_go":{"b":1795442400123,"s":1795442400123,"l":["` + strings.Repeat(`a","`, 100_000) + `b"]}`), "1"},

	{"the label of a log-in without one", `{` + goodCookie + `,"v":1,"_go":{"b":1795442400123,"v":"","l":1}}`, nobody},
	{"a session of nobody", `{` + goodCookie + `}`, nobody},
	{"passport null", `{` + goodCookie + `,"passport":null}`, nobody},
	{"passport an array", `{` + goodCookie + `,"passport":[{"user":1}]}`, nobody},
	{"passport a string", `{` + goodCookie + `,"passport":"{\"user\":1}"}`, nobody},
	{"passport a number", `{` + goodCookie + `,"passport":1}`, nobody},
	{"passport empty", `{` + goodCookie + `,"passport":{}}`, nobody},
	{"passport of another case", `{` + goodCookie + `,"Passport":{"user":1}}`, nobody},
	{"user of another case", `{` + goodCookie + `,"passport":{"User":1}}`, nobody},
	{"user null", `{` + goodCookie + `,"passport":{"user":null}}`, nobody},
	{"user false", `{` + goodCookie + `,"passport":{"user":false}}`, nobody},
	{"user empty", `{` + goodCookie + `,"passport":{"user":""}}`, nobody},
	{"user deeper", `{` + goodCookie + `,"x":{"passport":{"user":1}}}`, nobody},
	{"user in the cookie", `{"cookie":{"passport":{"user":1}}}`, nobody},
}

// numbered returns n members.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String()
}

// TestBadRecords: whatever is stored under a session's key, the visitor gets an answer and is the user in
// the record, or nobody. What happens to an ignored record:
//
//   - a request that only reads leaves it as it is, and one line says so;
//   - what a request stores goes into a new session; the record stays until it expires;
//   - a log-in and a log-out remove it.
func TestBadRecords(t *testing.T) {
	for _, row := range badRecords {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			st := newScripted()
			m := newManager(t, st, func(c *session.Config) {
				c.Codec = session.Express(secret)
				c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
			})
			visit := func() *browser.Browser {
				st.put(nodesID, row.record)
				b := open(t, m)
				b.SetCookie("connect.sid", expressValue(t, secret, nodesID))
				return b
			}
			bad := row.user == ignored

			visit()
			found, isNew := look(t, m, "connect.sid="+expressValue(t, secret, nodesID))
			if want := strings.TrimPrefix(row.user, ignored); found.User != want || isNew != bad {
				t.Errorf("user %q, new session %v, want %q, %v", found.User, isNew, want, bad)
			}
			lines := strings.Count(log.String(), "\n")
			if bad && (lines != 1 || st.record(nodesID) != row.record) || !bad && lines != 0 {
				t.Errorf("%d lines of log for one read, record kept: %v\n%.500s", lines, st.record(nodesID) == row.record, &log)
			}
			if s := log.String(); strings.Contains(s, nodesID) || strings.Contains(s, "user") {
				t.Errorf("the log contains a secret: %.500s", s)
			}

			b := visit()
			b.Get(path("set text v")).Want(t, http.StatusOK, `"text":"v"`)
			if bad && (st.record(nodesID) != row.record || len(st.ids()) != 2) {
				t.Errorf("a write left %d records, want the bad one untouched and a new one", len(st.ids()))
			}
			for _, under := range st.ids() {
				if under != nodesID || !bad {
					if data := st.record(under); !json.Valid([]byte(data)) || !strings.HasPrefix(data, `{"cookie":{`) {
						t.Errorf("Go wrote %.300s", data)
					}
				}
			}

			for _, op := range []string{"login 2", "logout"} {
				visit().Get(path(op)).Want(t, http.StatusOK, "")
				if got := st.record(nodesID); got != "" {
					t.Errorf("after %s the record is %.100s, want none", op, got)
				}
			}
		})
	}
	t.Logf("%d records", len(badRecords))
}
