package record_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// logIn returns the record of a log-in at that time, created at now, that proved factors.
func logIn(t *testing.T, at time.Time, factors string) *record.Record {
	t.Helper()
	var d record.Draft
	in := record.LogIn{Key: record.PassportKey, Slot: record.Slot{User: json.RawMessage("1"), At: at, Factors: json.RawMessage(factors)}, Name: "1"}
	if err := in.Op(terms)(&d, now); err != nil {
		t.Fatal(err)
	}
	return encoded(t, &d, nil, now)
}

// encoded writes d, and checks that reading it gives the same.
func encoded(t *testing.T, d *record.Draft, before *record.Record, at time.Time) *record.Record {
	t.Helper()
	e, err := d.Encode(terms, "ID", before, revision, at)
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	if err := r.Parse("ID", e.Record.Bytes()); err != nil {
		t.Fatal(err)
	}
	if !r.SameIdentity(&e.Record) || !e.Record.SameIdentity(&r) || r.Deadline(terms.Absolute) != e.Deadline {
		t.Errorf("%s is read as something else than what was written", r.Bytes())
	}
	return &r
}

// factsOf returns what counts of passport's log-in.
func factsOf(t *testing.T, r *record.Record) string {
	t.Helper()
	s, ok := r.Slot(record.PassportKey)
	if !ok || !s.ByGo {
		t.Fatalf("%s has no log-in by Go", r.Bytes())
	}
	facts, err := json.Marshal([]any{s.User, s.At.UnixMilli(), string(s.Stamp), s.AllFactors(), s.Deadline(terms.Absolute).UnixMilli(), r.Labels()})
	if err != nil {
		t.Fatal(err)
	}
	return string(facts)
}

func TestARecordSaysATimeOnce(t *testing.T) {
	name := string(rawjson.Quote("local"))
	for _, row := range []struct {
		name     string
		at       time.Time
		factors  string
		has, not string
	}{
		{"a log-in just now", now, name, `"go":{"for":1,"by":"local"}},"_go":{"b":1795442400123,"i":"`, `"s":`},
		{"a log-in a moment ago", now.Add(-time.Millisecond), name, `"go":{"for":1,"at":1795442400122,"by":"local"}},"_go":{"b":1795442400123,"i":"`, `"s":`},
		{"a log-in of a minute ago", now.Add(-time.Minute), name, `"go":{"for":1,"at":1795442340123,"by":"local"}},"_go":{"b":1795442400123,"i":"`, `"s":`},
		{"a log-in by a clock ahead", now.Add(time.Second), name, `"go":{"for":1,"at":1795442401123,"by":"local"}},"_go":{"b":1795442400123,"i":"`, `"s":`},
		{"two factors", now, `{"local":1795442400123,"totp":1795442400123}`, `"go":{"for":1,"at":1795442400123,"factors":{"local":1795442400123,"totp":1795442400123}}`, `"by"`},
		{"an older factor", now, `{"local":1795442400000}`, `"factors":{"local":1795442400000}`, `"by"`},
		{"no factor", now, "", `"go":{"for":1,"at":1795442400123}}`, `"by"`},
	} {
		text := string(logIn(t, row.at, row.factors).Bytes())
		if !strings.Contains(text, row.has) || strings.Contains(text, row.not) {
			t.Errorf("%s: got %s, want %s in it and no %s", row.name, text, row.has, row.not)
		}
		if strings.Contains(text, `"v":`) {
			t.Errorf("%s: got %s, want no revision in a new record", row.name, text)
		}
	}
}

// TestARecordIsSmall: Redis takes 280 bytes for a record of at most 188, with its key.
func TestARecordIsSmall(t *testing.T) {
	const cookie = `{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/","sameSite":"lax"}`
	text := strings.Replace(string(logIn(t, now, `"local"`).Bytes()), string(terms.Cookie), cookie, 1)
	if !strings.Contains(text, cookie) || len(text) > 188 {
		t.Errorf("got %d bytes, want at most 188: %s", len(text), text)
	}
}

// TestRecordsOfFormerFormsSayTheSame, and go on to do so when they are written again.
func TestRecordsOfFormerFormsSayTheSame(t *testing.T) {
	short := logIn(t, now, `"local"`)
	want := factsOf(t, short)
	if !strings.Contains(want, `{"local":1795442400123}`) {
		t.Fatalf("the facts are %s, want the factor with its time", want)
	}
	text := string(short.Bytes())
	by, birth := `"by":"local"`, `"_go":{"b":1795442400123,`
	for name, form := range map[string]string{
		"as it is":                        text,
		"the times and a revision":        strings.NewReplacer(by, `"at":1795442400123,"factors":{"local":1795442400123}`, birth, birth+`"v":"abcdefgh",`).Replace(text),
		"the time beside the factor":      strings.Replace(text, by, `"at":1795442400123,`+by, 1),
		"the label, and no tie":           strings.NewReplacer(by, `"at":1795442400123,"factors":{"local":1795442400123}`, `"i":"`, `"l":["passport:1"],"x":"`).Replace(text),
		"a birth that says less than now": strings.NewReplacer(by, `"at":1795442400123,"factors":{"local":1795442400123}`, birth, `"_go":{"b":1795442300123,"s":1795442400123,`).Replace(text),
	} {
		var r record.Record
		if err := r.Parse("ID", []byte(form)); err != nil {
			t.Fatal(err)
		}
		if got := factsOf(t, &r); got != want {
			t.Errorf("%s: got %s, want %s, of %s", name, got, want, form)
		}
		var d record.Draft
		d.Reset(&r)
		if err := d.Put("cart", json.RawMessage("1")); err != nil {
			t.Fatal(err)
		}
		again := encoded(t, &d, &r, now.Add(time.Hour))
		if got := factsOf(t, again); got != want || !again.SameIdentity(&r) {
			t.Errorf("%s, written again: got %s, want %s, of %s", name, got, want, again.Bytes())
		}
		if !strings.Contains(string(again.Bytes()), `"v":"`) {
			t.Errorf("%s, written again: got %s, want a revision", name, again.Bytes())
		}
	}
}

// TestAnotherBirthIsNoOtherTime: a record that is born at another time names that of the log-in.
func TestAnotherBirthIsNoOtherTime(t *testing.T) {
	r := logIn(t, now, `"local"`)
	want := factsOf(t, r)
	var d record.Draft
	d.Reset(r)
	d.Born = now.Add(-time.Hour).UnixMilli()
	if got := factsOf(t, encoded(t, &d, nil, now.Add(time.Minute))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTheShortFormOfAnotherGuard: its log-in, too, is dated by the record's birth.
func TestTheShortFormOfAnotherGuard(t *testing.T) {
	var d record.Draft
	in := record.LogIn{Key: "admin", Slot: record.Slot{User: json.RawMessage("1"), At: now, Factors: rawjson.Quote("local")}, Name: "1"}
	if err := in.Op(terms)(&d, now); err != nil {
		t.Fatal(err)
	}
	r := encoded(t, &d, nil, now)
	s, ok := r.Slot("admin")
	if got, want := string(s.AllFactors()), `{"local":1795442400123}`; !ok || !s.At.Equal(now) || got != want {
		t.Errorf("got the factors %s at %v, want %s, of %s", got, s.At, want, r.Bytes())
	}
}

// TestTheFirstRevisionFollowsFromTheID: a request that read a new record knows whether its own write is
// missing from what it finds (S4).
func TestTheFirstRevisionFollowsFromTheID(t *testing.T) {
	base := logIn(t, now, `"local"`)
	var d record.Draft
	d.Reset(base)
	next := encoded(t, &d, base, now.Add(time.Second))
	if !base.ShowsAllSince(base) || !next.ShowsAllSince(base) || base.HasRevision(revision) || !next.HasRevision(revision) {
		t.Errorf("the write after the first does not show both: %s", next.Bytes())
	}
	d.Reset(next)
	late := encoded(t, &d, next, now.Add(time.Hour))
	if late.ShowsAllSince(base) {
		t.Errorf("a write that forgot those before it shows all: %s", late.Bytes())
	}
}

// TestWhatNodePutsBesideALogInStays when Go writes the record, or one with another birth.
func TestWhatNodePutsBesideALogInStays(t *testing.T) {
	text := strings.NewReplacer(`"passport":{`, `"passport":{"before":1,`, `"by":"local"}`, `"by":"local"},"after":2`).Replace(string(logIn(t, now, `"local"`).Bytes()))
	var r record.Record
	if err := r.Parse("ID", []byte(text)); err != nil {
		t.Fatal(err)
	}
	want := factsOf(t, &r)
	for _, born := range []time.Time{now, now.Add(-time.Hour)} {
		var d record.Draft
		d.Reset(&r)
		d.Born = born.UnixMilli()
		again := encoded(t, &d, nil, now.Add(time.Minute))
		if got := string(again.Value(record.PassportKey)); !strings.Contains(got, `{"before":1,"user":1,`) || !strings.HasSuffix(got, `,"after":2}`) {
			t.Errorf("got %s, want what Node put there in it", got)
		}
		if got := factsOf(t, again); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestATimeThatCannotBeReadIsNotTheBirth: such a log-in is there, has proved no factor and is never fresh.
func TestATimeThatCannotBeReadIsNotTheBirth(t *testing.T) {
	text := string(logIn(t, now.Add(-time.Hour), `"local"`).Bytes())
	for _, at := range []string{`"1795438800123"`, `null`, `0`, `-1`, `1e99`, `{}`} {
		var r record.Record
		if err := r.Parse("ID", []byte(strings.Replace(text, "1795438800123", at, 1))); err != nil {
			t.Fatal(err)
		}
		if s, ok := r.Slot(record.PassportKey); !ok || !s.ByGo || !s.At.IsZero() || s.AllFactors() != nil {
			t.Errorf("%s: got a log-in of %v that proved %s, want no time and no factor", at, s.At, s.AllFactors())
		}
	}
}
