package main_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// cookieMember is the minimum that express-session needs.
const cookieMember = `"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}`

// corrupt are texts that may be stored under a session's key, and the user whom the visitor with its cookie
// then is, "" for nobody. A record that express-session could not have written is ignored and stays until
// it expires or a log-in or log-out ends it.
var corrupt = []struct {
	name   string
	record string
	who    string
}{
	{"sound, by Node", `{` + cookieMember + `,"passport":{"user":7}}`, "7"},
	{"sound, with white space", "{ \"cookie\" : {\"originalMaxAge\":null} ,\n\"passport\":\t{ \"user\" : 7 } }", "7"},
	{"nothing at all", ``, ""},
	{"a space", ` `, ""},
	{"a zero byte", "\x00", ""},
	{"null", `null`, ""},
	{"true", `true`, ""},
	{"a number", `7`, ""},
	{"a string", `"passport"`, ""},
	{"an array", `[{"passport":{"user":7}}]`, ""},
	{"an empty object", `{}`, ""},
	{"no JSON", `passport=7`, ""},
	{"PHP's serialization", `a:1:{s:4:"user";i:7;}`, ""},
	{"Go's gob", "\x0e\xff\x81\x04\x01\x02\xff\x82\x00\x01\x0c\x01\x10\x00\x00", ""},
	{"Python's pickle", "\x80\x04}\x94\x8c\x04user\x94K\x07s.", ""},
	{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00", ""},
	{"HTML", `<html>502 Bad Gateway</html>`, ""},
	{"a byte order mark", "\ufeff{" + cookieMember + `,"passport":{"user":7}}`, ""},
	{"UTF-16", "{\x00\"\x00c\x00", ""},
	{"half a record", `{` + cookieMember + `,"passport":{"us`, ""},
	{"cut before the last brace", `{` + cookieMember + `,"passport":{"user":7}`, ""},
	{"two records", `{` + cookieMember + `,"passport":{"user":7}}{` + cookieMember + `}`, ""},
	{"something behind it", `{` + cookieMember + `,"passport":{"user":7}} x`, ""},
	{"a comma too many", `{` + cookieMember + `,"passport":{"user":7},}`, ""},
	{"single quotes", `{'cookie':{},'passport':{'user':7}}`, ""},
	{"a comment", `{` + cookieMember + `,/* */"passport":{"user":7}}`, ""},
	{"no cookie member", `{"passport":{"user":7}}`, ""},
	{"a cookie of null", `{"cookie":null,"passport":{"user":7}}`, ""},
	{"a cookie that is a string", `{"cookie":"x","passport":{"user":7}}`, ""},
	{"a cookie that is a list", `{"cookie":[],"passport":{"user":7}}`, ""},
	{"an empty cookie", `{"cookie":{},"passport":{"user":7}}`, "7"},
	{"a cookie that ended long ago", `{"cookie":{"originalMaxAge":60000,"expires":"1999-01-01T00:00:00.000Z"},"passport":{"user":7}}`, "7"},
	{"an expires that is no date", `{"cookie":{"originalMaxAge":60000,"expires":"soon"},"passport":{"user":7}}`, "7"},
	{"an original max age below zero", `{"cookie":{"originalMaxAge":-1},"passport":{"user":7}}`, "7"},
	{"an original max age beyond all numbers", `{"cookie":{"originalMaxAge":1e999},"passport":{"user":7}}`, "7"},
	{"an original max age that is a list", `{"cookie":{"originalMaxAge":[1]},"passport":{"user":7}}`, "7"},
	{"no passport", `{` + cookieMember + `}`, ""},
	{"passport of null", `{` + cookieMember + `,"passport":null}`, ""},
	{"passport after a log-out", `{` + cookieMember + `,"passport":{}}`, ""},
	{"passport that is a string", `{` + cookieMember + `,"passport":"7"}`, ""},
	{"passport that is a list", `{` + cookieMember + `,"passport":[{"user":7}]}`, ""},
	{"a user of null", `{` + cookieMember + `,"passport":{"user":null}}`, ""},
	{"a user of false", `{` + cookieMember + `,"passport":{"user":false}}`, ""},
	{"an empty user", `{` + cookieMember + `,"passport":{"user":""}}`, ""},
	{"a user elsewhere", `{` + cookieMember + `,"user":7,"passport":{"users":7}}`, ""},
	{"a user in a text", `{` + cookieMember + `,"note":"\"passport\":{\"user\":7}"}`, ""},
	{"notes of ours that are null", `{` + cookieMember + `,"passport":{"user":7},"_go":null}`, "7"},
	{"notes of ours that are a list", `{` + cookieMember + `,"passport":{"user":7},"_go":[]}`, "7"},
	{"notes of ours of other types", `{` + cookieMember + `,"passport":{"user":7},"_go":{"b":"x","s":[],"v":7,"k":"passport","l":{}}}`, "7"},
	{"a birth in the far future", `{` + cookieMember + `,"passport":{"user":7},"_go":{"b":99999999999999,"s":99999999999999,"v":""}}`, "7"},
	{"a birth long ago", `{` + cookieMember + `,"passport":{"user":7},"_go":{"b":1,"s":1,"v":""}}`, ""},
	{"facts about another user", `{` + cookieMember + `,"passport":{"user":7,"go":{"for":8,"at":1,"stamp":"x"}}}`, "7"},
	{"facts of other types", `{` + cookieMember + `,"passport":{"user":7,"go":{"for":7,"at":"x","stamp":7,"factors":[]}}}`, "7"},
	{"a name that is no UTF-8", "{" + cookieMember + ",\"\xff\":1,\"passport\":{\"user\":7}}", ""},
	{"half a surrogate pair", `{` + cookieMember + `,"x":"\ud800","passport":{"user":7}}`, "7"},
	{"a control character in a text", "{" + cookieMember + ",\"x\":\"\x01\",\"passport\":{\"user\":7}}", ""},
	{"deep nesting", `{` + cookieMember + `,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"passport":{"user":7}}`, ""},
	{"more than a megabyte", `{` + cookieMember + `,"x":"` + strings.Repeat("x", session.MaxRecordBytes) + `","passport":{"user":7}}`, ""},
}

// TestCorruptRecords: whatever the store has, no route answers 5xx, nobody is logged in as another user,
// and the visitor can log in and out.
func TestCorruptRecords(t *testing.T) {
	if len(corrupt) < 40 {
		t.Fatalf("%d records, want at least 40", len(corrupt))
	}
	for _, row := range corrupt {
		t.Run(row.name, func(t *testing.T) {
			memory, err := store.Memory(store.MemoryConfig{})
			if err != nil {
				t.Fatal(err)
			}
			app, err := rig.New(memory.Sessions)
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewServer(app)
			defer srv.Close()
			target, err := scenario.At(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			visitor := func() *scenario.Visitor {
				v := target.Visitor()
				if !v.LogIn(ctx, 3).OK() {
					t.Fatal("the log-in failed")
				}
				for r, err := range memory.Sessions.All(ctx) {
					if err == nil && !strings.Contains(string(r.Data), `"user":3`) {
						continue
					}
					if err == nil {
						err = memory.Sessions.Update(ctx, r.ID, r.Data, []byte(row.record), time.Hour)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				return v
			}
			reader, writer, changer, leaver := visitor(), visitor(), visitor(), visitor()
			want, status := row.who, 200
			if want == "" {
				status = 401
			}
			if a := reader.Me(ctx); a.Status != status || status == 200 && a.Text != want {
				t.Errorf("who: got %d %q, want %d %q", a.Status, a.Text, status, want)
			}
			if a := writer.Set(ctx, "k", "v", 0); a.Status != status {
				t.Errorf("a change: got %d %q, want %d", a.Status, a.Text, status)
			}
			if a := changer.LogIn(ctx, 9); !a.OK() {
				t.Errorf("a log-in over it: got %d %q, want 200", a.Status, a.Text)
			}
			if a := changer.Me(ctx); a.Text != fmt.Sprint(9) {
				t.Errorf("after a log-in over it: got %d %q, want user 9", a.Status, a.Text)
			}
			held := leaver.Twin()
			if a := leaver.LogOut(ctx); !a.OK() || leaver.Cookie(rig.Cookie) != "" {
				t.Errorf("a log-out: got %d %q, cookie %t, want 200 and none", a.Status, a.Text, leaver.Cookie(rig.Cookie) != "")
			}
			if a := held.Me(ctx); a.Status != 401 {
				t.Errorf("after the log-out: got %d %q, want 401", a.Status, a.Text)
			}
			left := 0
			for _, err := range memory.Sessions.All(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				left++
			}
			if left > 3 || left < 1 {
				t.Errorf("%d records are left, want those of the log-in and of the visitors who stayed", left)
			}
		})
	}
}
