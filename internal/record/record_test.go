package record_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

var (
	terms = record.Terms{
		Idle: time.Hour, Absolute: 10 * time.Hour, RefreshAfter: 6 * time.Minute,
		Cookie: json.RawMessage(`{"originalMaxAge":null,"expires":null,"path":"/"}`),
	}
	now = time.UnixMilli(1795442400123)
)

const revision = "k3J9aQx0"

// records are examples of what a store may have under the id "ID".
var records = []string{
	`{"cookie":{}}`,
	`{"cookie":{"originalMaxAge":60000,"expires":"2026-11-23T14:01:00.123Z"},"passport":{"user":1},"a":[1, 2],"ü":"\u00fc"}`,
	`{"cookie":{"originalMaxAge":0.5},"_go":{"b":1795442400000,"s":1795442400100,"v":"abcdefghabcdefgh","k":["passport","admin"],"l":["x"]}}`,
	`{"cookie":{"originalMaxAge":1e3,"\u006friginalMaxAge":null},"\u0070assport":{"user":2,"go":{"for":2,"at":1795442400000}},"_go":{"b":1795442400000,"v":"abcdefgh"}}`,
	`{"cookie":{"originalMaxAge":"60"},"admin":{"user":9,"go":{"for":9,"at":1795442400000,"stamp":"s","factors":{"totp":1}}},"_go":{"b":1795442400000,"k":["admin"],"l":["admin:9"]}}`,
	`{"cookie":{"originalMaxAge":1e15},"passport":{"go":{"for":2},"user":2},"_go":{"b":1795442400000,"v":"abcdefgh","i":"copied","k":["passport"]}}`,
}

// reread checks that parsing the encoded bytes gives the same Record as Encode returned: the commit
// continues with that one without parsing.
func reread(t *testing.T, id string, e *record.Encoded) {
	t.Helper()
	var again record.Record
	if err := again.Parse(id, e.Record.Bytes()); err != nil {
		t.Fatalf("Encode wrote a record that Parse refuses: %v\n%s", err, e.Record.Bytes())
	}
	for _, r := range []*record.Record{&again, &e.Record} { // fill the fields that both keep after the first use
		r.Members()
		r.Slot(record.PassportKey)
	}
	if !reflect.DeepEqual(&again, &e.Record) {
		t.Errorf("Parse gave\n%+v, Encode gave\n%+v\n%s", again, e.Record, e.Record.Bytes())
	}
	if d := again.Deadline(terms.Absolute); !d.Equal(e.Deadline) {
		t.Errorf("Parse gave the deadline %v, Encode %v", d, e.Deadline)
	}
}

func FuzzEncodedIsWhatIsRead(f *testing.F) {
	for i, r := range records {
		f.Add([]byte(r), "new", byte(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, value string, what byte) {
		var r record.Record
		if r.Parse("ID", data) != nil {
			if r.Exists() {
				t.Fatal("part of a malformed record is left after the error")
			}
			return
		}
		raw, err := rawjson.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		ops := []record.Op{
			func(d *record.Draft, _ time.Time) error { d.Members.Set("value", raw); return nil },
			func(d *record.Draft, _ time.Time) error { d.AddLabel(value); return nil },
			func(d *record.Draft, at time.Time) error {
				d.DropSlots([]string{record.PassportKey}, terms.Absolute, at)
				return nil
			},
			func(d *record.Draft, _ time.Time) error { return d.SetMaxAge(terms, time.Duration(what)*time.Minute) },
			(&record.LogIn{Key: "admin", Slot: record.Slot{User: raw, At: now}, Labels: []string{"admin:" + string(raw)}, Keep: []string{"a"}}).Op(terms),
			(&record.LogIn{Key: record.PassportKey, Slot: record.Slot{User: raw, At: now, Stamp: []byte("s")}}).Op(terms),
		}
		var d record.Draft
		d.Reset(&r)
		if err := ops[int(what)%len(ops)](&d, now); err != nil {
			return
		}
		e, err := d.Encode(terms, "ID", &r, revision, now)
		if err != nil {
			return
		}
		reread(t, "ID", e)
		if e.TTL < time.Millisecond || e.TTL > record.MaxCookieAge || e.TTL%time.Millisecond != 0 {
			t.Errorf("ttl %v", e.TTL)
		}
		if !e.Record.HasRevision(revision) {
			t.Error("the new record does not have the revision")
		}
	})
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	for _, row := range []struct{ name, value string }{
		{"a value that is too large", `"` + strings.Repeat("x", record.MaxBytes) + `"`},
		{"a value nested as deeply as a record may be", strings.Repeat("[", rawjson.MaxDepth) + strings.Repeat("]", rawjson.MaxDepth)},
		{"the same in objects", strings.Repeat(`{"a":`, rawjson.MaxDepth) + "1" + strings.Repeat("}", rawjson.MaxDepth)},
	} {
		var d record.Draft
		d.Members.Set("a", json.RawMessage(row.value))
		if _, err := d.Encode(terms, "ID", nil, revision, now); err != record.ErrTooLarge {
			t.Errorf("%s: got %v, want %v", row.name, err, record.ErrTooLarge)
		}
	}
	var d record.Draft
	for i := range 200 {
		d.SetSlot(strings.Repeat("k", i+1), record.Slot{User: json.RawMessage("1"), At: now})
	}
	if _, err := d.Encode(terms, "ID", nil, revision, now); err == nil {
		t.Error("Encode wrote a list of log-ins that is too long for Parse")
	}
}

// TestTheLabelOfNearlyEveryRecordIsLeftOut: the label of the user whom Go logged in under passport.
func TestTheLabelOfNearlyEveryRecordIsLeftOut(t *testing.T) {
	for _, row := range []struct {
		name   string
		logIn  bool
		labels []string
		want   string
	}{
		{"its user's", true, []string{"passport:1"}, ``},
		{"none", true, nil, `"l":[]`},
		{"another one", true, []string{"x"}, `"l":["x"]`},
		{"two", true, []string{"passport:1", "x"}, `"l":["passport:1","x"]`},
		{"nobody's", false, nil, ``},
		{"one without a log-in", false, []string{"x"}, `"l":["x"]`},
	} {
		d := record.Draft{Labels: row.labels}
		if row.logIn {
			d.SetSlot(record.PassportKey, record.Slot{User: json.RawMessage("1"), At: now})
		}
		e, err := d.Encode(terms, "ID", nil, revision, now)
		if err != nil {
			t.Fatal(err)
		}
		text := e.Record.Bytes()
		if _, got, _ := strings.Cut(strings.TrimSuffix(string(text), "}}"), `,"l":`); got != strings.TrimPrefix(row.want, `"l":`) {
			t.Errorf("%s: %s has the labels %q, want %q", row.name, text, got, row.want)
		}
		var r record.Record
		if err := r.Parse("ID", text); err != nil || !slices.Equal(r.Labels(), row.labels) {
			t.Errorf("%s: %s is read with the labels %q and error %v, want %q", row.name, text, r.Labels(), err, row.labels)
		}
	}
}

// TestTheLabelThatWasWrittenAs1IsRead: a session of an earlier version is found by the label of its user.
func TestTheLabelThatWasWrittenAs1IsRead(t *testing.T) {
	var r record.Record
	text := `{"cookie":{},"passport":{"user":1,"go":{"for":1,"at":1795442400000}},"_go":{"b":1795442400000,"v":"abcdefgh","l":1}}`
	if err := r.Parse("ID", []byte(text)); err != nil || !slices.Equal(r.Labels(), []string{"passport:1"}) {
		t.Errorf("got the labels %q and error %v, want passport:1", r.Labels(), err)
	}
}

func TestARecordIsRefreshedWhenItIsDue(t *testing.T) {
	for _, row := range []struct {
		name, record string
		want         bool
	}{
		{"just written", `{"cookie":{"originalMaxAge":null},"_go":{"b":1795442400123}}`, false},
		{"written long ago", `{"cookie":{},"_go":{"b":1795442000123}}`, true},
		{"made by Node", `{"cookie":{}}`, true},
		{"a log-in by Node since", `{"cookie":{},"passport":{"user":1},"_go":{"b":1795442400123}}`, true},
		{"a shorter lifetime of its own", `{"cookie":{"originalMaxAge":60000},"_go":{"b":1795442390123}}`, true},
		{"the configured lifetime", `{"cookie":{"originalMaxAge":3600000},"_go":{"b":1795442140123}}`, false},
		{"a clock far ahead", `{"cookie":{},"_go":{"b":1795442900123}}`, true},
	} {
		var r record.Record
		if err := r.Parse("ID", []byte(row.record)); err != nil {
			t.Fatal(err)
		}
		if got := r.RefreshDue(terms, now); got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

// Passport 0.4 replaces the user and keeps our notes. One write by Go in between removes them, so that they
// do not count again when the first user comes back.
func TestNotesDoNotComeBackWithTheirUser(t *testing.T) {
	for _, row := range []struct {
		key  string
		keys string
	}{{record.PassportKey, ""}, {"admin", `,"k":["admin"]`}} {
		first := `{"cookie":{},"` + row.key + `":{"user":1,"go":{"for":1,"at":1795442400000,"stamp":"s","factors":{"totp":1}}},"_go":{"b":1795442400000` + row.keys + `,"l":["` + row.key + `:1"]}}`
		second := strings.Replace(first, `"user":1`, `"user":2`, 1)
		var r record.Record
		if err := r.Parse("ID", []byte(second)); err != nil {
			t.Fatal(err)
		}
		if !r.RefreshDue(terms, time.UnixMilli(1795442400001)) {
			t.Errorf("%s: the first read of another user's log-in writes nothing", row.key)
		}
		var d record.Draft
		d.Reset(&r)
		e, err := d.Encode(terms, "ID", &r, revision, now)
		if err != nil {
			t.Fatal(err)
		}
		var back record.Record
		if err := back.Parse("ID", []byte(strings.Replace(string(e.Record.Bytes()), `"user":2`, `"user":1`, 1))); err != nil {
			t.Fatal(err)
		}
		if slot, ok := back.Slot(row.key); !ok || slot.ByGo || slot.Factors != nil || slot.Stamp != nil {
			t.Errorf("%s: got %+v of the second log-in, want nothing of the first", row.key, slot)
		}
	}
}

func TestNotesCountOnlyWhereGoWroteThem(t *testing.T) {
	var d record.Draft
	if err := (&record.LogIn{Key: record.PassportKey, Slot: record.Slot{User: json.RawMessage("1"), At: now, Factors: json.RawMessage(`{"totp":1}`)}, Labels: []string{"passport:1"}}).Op(terms)(&d, now); err != nil {
		t.Fatal(err)
	}
	e, err := d.Encode(terms, "ID", nil, revision, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"ID", "another"} {
		var r record.Record
		if err := r.Parse(id, e.Record.Bytes()); err != nil {
			t.Fatal(err)
		}
		slot, ok := r.Slot(record.PassportKey)
		_, factor := rawjson.Int(rawjson.Find(slot.AllFactors(), "totp"))
		if mine := id == "ID"; !ok || factor != mine || slot.ByGo != mine || (len(r.Labels()) == 1) != mine {
			t.Errorf("under %s: %+v, labels %q", id, slot, r.Labels())
		}
	}
}
