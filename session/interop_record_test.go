package session_test

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// recordFixtures is the part about records of the data made by Node.
type recordFixtures struct {
	file    string
	Layouts []struct{ Label, Stored string }
	TTL     []struct {
		Label     string
		StoreOpts map[string]any
		Sess      json.RawMessage
		Commands  [][]any
	}
	JSON    []struct{ Label, JS string }
	Records []struct {
		Label, Stored string
		Found         *found // nil if Node stores nothing
	}
	Loaded []struct {
		Label, Stored, Error string
		found
	}
	Reserved []struct {
		Name string
		Kept bool
	}
}

// found is what Node finds in a record: the keys in order, and passport.user as JSON, empty if there is
// none.
type found struct {
	Keys []string
	User string
}

func eachRecordFixture(t *testing.T, test func(t *testing.T, f *recordFixtures) (rows int)) {
	t.Helper()
	for _, name := range []string{"given.json", "node.json"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile("testdata/interop/" + name)
			if err != nil {
				t.Fatal(err)
			}
			f := &recordFixtures{file: name}
			if err := json.Unmarshal(data, f); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(nodeNow)) // the time at which the fixtures were made
				t.Logf("%d rows", test(t, f))
			})
		})
	}
}

// nodeNow is the time at which the fixtures were made.
var nodeNow = time.UnixMilli(1795442400123)

// nodeSession returns a program that shares Node's records, with one under "ID".
func nodeSession(t *testing.T, stored string) (*scripted, *session.Manager, string) {
	t.Helper()
	st := newScripted()
	st.put("ID", stored)
	m := newManager(t, st, func(c *session.Config) { c.Codec = session.InsecureExpress("s") })
	return st, m, "connect.sid=" + expressValue(t, "s", "ID")
}

// look makes a request with the cookie and returns what Go finds: found as for Node, with the user as spelt
// in the record. It fails unless the status is 200.
func look(t *testing.T, m *session.Manager, cookie string) (got found, isNew bool) {
	t.Helper()
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Session(r.Context())
		if err != nil {
			t.Errorf("session: %v", err)
			return
		}
		slot, err := reqstate.Of(r.Context(), m).Slots.Slot(r.Context(), "passport")
		if err != nil {
			t.Errorf("slot: %v", err)
		}
		got, isNew = found{s.Keys(), string(slot.User)}, s.IsNew()
	}))
	w := newRecorder()
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("status %d, want 200", w.Code)
	}
	return got, isNew
}

// values returns Node's keys without those that [session.Session.Keys] leaves out.
func (f found) values() []string {
	return slices.DeleteFunc(slices.Clone(f.Keys), func(k string) bool { return k == "cookie" || k == "passport" || k == "_go" })
}

// loggedIn returns the user whom passport's session strategy would look up: "", false and null mean nobody,
// 0 is a user.
func (f found) loggedIn() string {
	switch f.User {
	case `""`, "false", "null":
		return ""
	}
	return f.User
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	if a == "" || b == "" {
		return a == b
	}
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

// write sets the key "added" in the session and returns the new record.
func write(t *testing.T, st *scripted, m *session.Manager) string {
	t.Helper()
	s, err := m.Open(t.Context(), "ID")
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Key[string]("added").Set(s, "x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st.record("ID")
}

// checkWrite: at the time when Node wrote the record, Go's write is Node's text, the new key, and our own
// notes.
func checkWrite(t *testing.T, label, stored string) {
	t.Helper()
	st, m, _ := nodeSession(t, stored)
	want := strings.TrimSuffix(stored, "}") + `,"added":"x","_go":{"b":1795442400123,"v":"`
	if got := write(t, st, m); !strings.HasPrefix(got, want) {
		t.Errorf("%s: Go writes\n%s\nwant it to begin with\n%s", label, got, want)
	}
}

func TestInteropLayouts(t *testing.T) {
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		rows := 0
		for _, row := range f.Layouts {
			if row.Stored == "" {
				continue // Node stores nothing: another path, an error, no time to live
			}
			rows++
			_, m, cookie := nodeSession(t, row.Stored)
			if got, isNew := look(t, m, cookie); isNew || got.User != "1" || len(got.Keys) != 0 {
				t.Errorf("%s: user %q, keys %q, new %v, want user 1 alone", row.Label, got.User, got.Keys, isNew)
			}
			checkWrite(t, row.Label, row.Stored)
		}
		return rows
	})
}

func TestInteropRecords(t *testing.T) {
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		rows := 0
		for _, row := range f.Records {
			if row.Found == nil {
				continue
			}
			rows++
			_, m, cookie := nodeSession(t, row.Stored)
			got, isNew := look(t, m, cookie)
			if isNew || !slices.Equal(got.Keys, row.Found.values()) {
				t.Errorf("%s: new %v, keys %q, Node finds %q", row.Label, isNew, got.Keys, row.Found.values())
			}
			if got.User != row.Found.loggedIn() {
				t.Errorf("%s: user %s, Node finds %s", row.Label, got.User, row.Found.loggedIn())
			}
			checkWrite(t, row.Label, row.Stored)
		}
		return rows
	})
}

// Records by other programs: Go reads them as Node does; where Node answers 500 on every request, the
// visitor is anonymous.
func TestInteropLoaded(t *testing.T) {
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		for _, row := range f.Loaded {
			st, m, cookie := nodeSession(t, row.Stored)
			got, isNew := look(t, m, cookie)
			if row.Error != "" || row.Stored == "null" {
				if !isNew || got.User != "" || len(got.Keys) != 0 {
					t.Errorf("%s: user %q, keys %q, new %v, want an anonymous visitor", row.Label, got.User, got.Keys, isNew)
				}
				if now := st.record("ID"); now != row.Stored {
					t.Errorf("%s: the record became %s", row.Label, now)
				}
				continue
			}
			if isNew || !slices.Equal(got.Keys, row.values()) || !sameJSON(t, got.User, row.loggedIn()) {
				t.Errorf("%s: user %q, keys %q, new %v, Node finds %q, %q", row.Label, got.User, got.Keys, isNew, row.loggedIn(), row.values())
			}
			// In any spelling, Go's own write keeps the text of each value.
			var before, after map[string]json.RawMessage
			if err := json.Unmarshal([]byte(row.Stored), &before); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(write(t, st, m)), &after); err != nil {
				t.Fatal(err)
			}
			for key, value := range before {
				if key != "cookie" && key != "_go" && string(after[key]) != string(value) {
					t.Errorf("%s: after Go's write %q is %s, was %s", row.Label, key, after[key], value)
				}
			}
		}
		return len(f.Loaded)
	})
}

// The key's time to live is the same as Node's: the rest of the cookie's own age, which every use renews,
// or a day. A session that Node would delete is live as long as the key exists.
func TestInteropTTL(t *testing.T) {
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		rows, compared := 0, 0
		for _, row := range f.TTL {
			var sess struct {
				Cookie *struct{ OriginalMaxAge, Expires any }
			}
			if err := json.Unmarshal(row.Sess, &sess); err != nil {
				t.Fatal(err)
			}
			if sess.Cookie == nil {
				continue // not a record of express-session: see TestInteropLoaded
			}
			rows++
			want := 24 * time.Hour
			if ms, ok := sess.Cookie.OriginalMaxAge.(float64); ok {
				want = time.Duration(ms) * time.Millisecond
			}
			st, m, _ := nodeSession(t, string(row.Sess))
			write(t, st, m)
			if got := st.ttls["ID"]; got != want {
				t.Errorf("%s: ttl %v, want %v", row.Label, got, want)
			}
			// Without options of connect-redis, and just after a touch, Node has the same.
			touched := sess.Cookie.Expires == nil || sess.Cookie.Expires == false || sess.Cookie.Expires == nodeNow.Add(want).UTC().Format("2006-01-02T15:04:05.000Z")
			if len(row.StoreOpts) == 0 && touched {
				compared++
				if got := row.Commands[0]; got[0] != "SET" || got[3] != "EX" || got[4] != want.Seconds() {
					t.Errorf("%s: ttl %v, Node sends %v", row.Label, want, got)
				}
			}
		}
		if compared < 3 {
			t.Errorf("%d rows were comparable with Node's EX, want a session with an age and one without", compared)
		}
		return rows
	})
}

// What Node stored comes back byte for byte, also after a write by Go.
func TestInteropJSON(t *testing.T) {
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		for _, row := range f.JSON {
			stored := `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"v":` + row.JS + `}`
			st, m, _ := nodeSession(t, stored)
			s, err := m.Open(t.Context(), "ID")
			if err != nil {
				t.Errorf("%s: %v", row.Label, err)
				continue
			}
			if got, ok, err := session.Key[json.RawMessage]("v").Get(s); string(got) != row.JS || !ok || err != nil {
				t.Errorf("%s: v is %s, %v, %v, Node stored %s", row.Label, got, ok, err, row.JS)
			}
			if got, want := write(t, st, m), strings.TrimSuffix(stored, "}")+`,"added":"x","_go":{`; !strings.HasPrefix(got, want) {
				t.Errorf("%s: Go writes\n%s\nwant it to begin with\n%s", row.Label, got, want)
			}
		}
		return len(f.JSON)
	})
}

// goValues are the values of the json rows as Go values. Go maps have no order, and integers above 2^53 are
// not numbers of JavaScript, so these are missing.
var goValues = map[string]any{
	"null": nil, "true": true, "false": false, "zero": 0, "one": 1, "minus one": -1, "fraction": 1.5, "a tenth": 0.1, "sum of tenths": math.Nextafter(0.3, 1),
	"trailing zero": 1.0, "2^31": 1 << 31, "2^53 - 1": 1<<53 - 1, "2^53": 1 << 53, "2^53 + 2": 1<<53 + 2, "1e20": 1e20, "1e21": 1e21, "1e-6": 1e-6, "1e-7": 1e-7,
	"largest": math.MaxFloat64, "smallest": math.SmallestNonzeroFloat64,
	"empty string": "", "digits string": "1", "html": `<a href="x">&amp;</a>`, "quotes and backslash": `"\/'`, "short escapes": "\b\f\n\r\t",
	"controls": "\x00\x01\x02\x03\x04\x05\x06\x07\b\t\n\x0b\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f",
	"delete":   "\u007f\u0080\u009f", "line separators": "\u2028\u2029", "latin": "éüß", "composed and decomposed": []string{"\u00e9", "e\u0301"},
	"japanese": "日本語", "noncharacters": "\ufffe\uffff\ufeff", "nul": "\x00", "empty array": []int{}, "empty object": map[string]int{},
	"date": nodeNow.UTC(), "date in object": map[string]time.Time{"d": nodeNow.UTC()}, "toJSON": struct {
		Made string `json:"made"`
	}{"by toJSON"},
	"nested": map[string]any{"a": []any{map[string]any{"b": []any{[]any{[]any{}}, map[string]any{"c": map[string]any{"d": []any{1, "x", nil, map[string]bool{"e": false}}}}}}}},
	"boxed":  []any{"s", 1, false},

	"given: u2028": "\u2028\u2029", "given: controls": "\b\f\n\r\t\x01\x7f", "given: emoji": "🔑é", "given: date": map[string]time.Time{"d": nodeNow.UTC()},
}

// Go stores the same text as JSON.stringify.
func TestInteropJSONByGo(t *testing.T) {
	made := 0
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		rows := 0
		for _, row := range f.JSON {
			label := row.Label
			if f.file == "given.json" {
				label = "given: " + label
			}
			value, ok := goValues[label]
			if !ok {
				continue
			}
			rows++
			st, m, _ := nodeSession(t, `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"v":"other"}`)
			s, err := m.Open(t.Context(), "ID")
			if err != nil {
				t.Fatal(err)
			}
			if err := session.Key[any]("v").Set(s, value); err != nil {
				t.Errorf("%s: %v", row.Label, err)
				continue
			}
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := st.record("ID"); !strings.Contains(got, `,"v":`+row.JS+`,"_go":`) {
				t.Errorf("%s: Go writes %s, Node would write %s", row.Label, got, row.JS)
			}
		}
		made += rows
		return rows
	})
	if made != len(goValues) {
		t.Errorf("%d rows compared, there are %d Go values: a label is misspelt", made, len(goValues))
	}
}

// Set refuses exactly the names that Node would drop, and our own two.
func TestInteropReserved(t *testing.T) {
	eachRecordFixture(t, func(t *testing.T, f *recordFixtures) int {
		_, m, _ := nodeSession(t, `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}}`)
		for _, row := range f.Reserved {
			if row.Name == "passport" {
				continue // Node keeps it, but here it belongs to the guard
			}
			s, err := m.Open(t.Context(), "ID")
			if err != nil {
				t.Fatal(err)
			}
			err = session.Key[int](row.Name).Set(s, 1)
			if (err == nil) != row.Kept {
				t.Errorf("Set of %q: %v, Node keeps it: %v", row.Name, err, row.Kept)
			}
			if err != nil && !strings.Contains(err.Error(), row.Name) {
				t.Errorf("Set of %q: error %q does not name it", row.Name, err)
			}
		}
		return len(f.Reserved)
	})
}
