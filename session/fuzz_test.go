package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/session"
)

// fuzzID is the id of the record under test.
const fuzzID = "an-id"

// FuzzRecord: whatever the store has, a request has no outage and finds no other user, and a write keeps
// what others wrote, byte for byte.
func FuzzRecord(f *testing.F) {
	for _, record := range []string{
		`{"cookie":{"originalMaxAge":60000,"expires":"2026-11-23T14:01:00.123Z","httpOnly":true,"path":"/"},"passport":{"user":1},"a":[1, 2],"ü":"\u00fc"}`,
		`{"cookie":{},"n":1.0,"n2":-0,"deep":{"b":{"c":null}}}`,
		`{"cookie":{"originalMaxAge":0.5},"_go":{"b":1,"s":2,"v":"abc","k":["passport","admin"],"l":["x"]}}`,
		`{"cookie":{"originalMaxAge":1e3,"\u006friginalMaxAge":null},"\u0070assport":{"user":2,"go":{"for":2,"at":3}},"passport":{"user":7},"_go":{"b":1,"v":"abcdefgh","l":1}}`,
		`{"cookie":{"originalMaxAge":"60"},"_go":{"b":99999999999999,"v":""},"_go":null}`,
		`{"cookie":null}`, `{"cookie":{}`, `[]`, `null`, ``, `{"cookie":{},"cookie":{}}`, "{\"cookie\":{},\"\xff\":\"\xff\"}", `{"cookie":{},"text":1,"text":"2"}`,
	} {
		f.Add([]byte(record))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		st := newScripted()
		st.put(fuzzID, string(stored))
		m := newManager(t, st)
		ctx := t.Context()
		s, err := m.Open(ctx, fuzzID)
		if errors.Is(err, session.ErrNotFound) {
			return // not what express-session writes, or past its time: nobody
		}
		if err != nil {
			t.Fatalf("an outage because of a record: %v", err)
		}
		if err := text.Set(s, "written"); err != nil {
			t.Fatalf("set: %v", err)
		}
		if err := s.Save(ctx); errors.Is(err, session.ErrSessionEnded) {
			return
		} else if err != nil {
			t.Fatalf("save: %v", err)
		}
		var before, after map[string]json.RawMessage
		if err := json.Unmarshal([]byte(st.record(fuzzID)), &after); err != nil {
			t.Fatalf("the session wrote text that is not JSON: %v\n%q", err, st.record(fuzzID))
		}
		if err := json.Unmarshal(stored, &before); err != nil {
			t.Fatalf("a text that is not JSON was accepted as a record: %v", err)
		}
		for _, own := range []string{"cookie", "_go", "text"} {
			delete(before, own)
			delete(after, own)
		}
		if !maps.EqualFunc(before, after, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
			t.Errorf("a write of another value changed the rest\n%s\n%s", before, after)
		}
		again, err := m.Open(ctx, fuzzID)
		if err != nil {
			t.Fatalf("open what was written: %v", err)
		}
		if got, ok, err := text.Get(again); got != "written" || !ok || err != nil {
			t.Errorf("read back %q, %t, %v", got, ok, err)
		}
	})
}

// model is the expected content of a session: values by key, and the list of one kind of flash messages.
type model struct {
	values map[string]int
	flash  []string
}

func (m model) clone() model { return model{maps.Clone(m.values), slices.Clone(m.flash)} }

// effect is what one operation of a request, chosen by the fuzzer's two bytes, does to a model.
type effect func(*model)

var mergeKeys = []session.Key[int]{"a", "b", "c"}

// act applies to s the operation chosen by two bytes, and to seen, the model of what s shows. It returns
// its effect on a record, and whether it makes the request write.
func act(t *testing.T, s *session.Session, seen *model, what, arg byte) (do effect, writes bool) {
	t.Helper()
	key := mergeKeys[int(arg)%len(mergeKeys)]
	name := string(key)
	var err error
	writes = true
	switch what % 5 {
	case 0:
		err = key.Set(s, int(arg))
		old, ok := seen.values[name]
		writes = !ok || old != int(arg)
		do = func(m *model) { m.values[name] = int(arg) }
	case 1:
		err = key.Update(s, func(n int) (int, error) { return n + int(arg), nil })
		do = func(m *model) { m.values[name] += int(arg) }
	case 2:
		err = key.Delete(s)
		_, writes = seen.values[name]
		do = func(m *model) { delete(m.values, name) }
	case 3:
		message := fmt.Sprint(arg)
		err = s.Flash("kind", message)
		do = func(m *model) { m.flash = append(m.flash, message) }
	case 4:
		var taken []string
		taken, err = s.Flashes("kind")
		if !slices.Equal(taken, seen.flash) {
			t.Fatalf("Flashes returned %q, want %q", taken, seen.flash)
		}
		writes = len(taken) > 0
		do = func(m *model) {
			for _, text := range taken {
				if i := slices.Index(m.flash, text); i >= 0 {
					m.flash = slices.Delete(m.flash, i, i+1)
				}
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	do(seen)
	return do, writes
}

// FuzzMerge: two requests load the same session, make the changes chosen by the bytes, and save one after
// the other. The session then has the changes of the second on top of those of the first. But if the second
// only set and deleted what was so already in its view of the session, it writes nothing.
func FuzzMerge(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2}, []byte{1, 2, 3, 4})
	f.Add([]byte{3, 1, 3, 2, 4, 0}, []byte{3, 3, 4, 0, 3, 3})
	f.Add([]byte{0, 0, 2, 0, 0, 3}, []byte{1, 0, 2, 0, 1, 3})
	f.Add([]byte{2, 1, 2, 2}, []byte{0, 1, 0, 1, 4, 4})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		st := newScripted()
		m := newManager(t, st)
		ctx := t.Context()
		st.put(fuzzID, `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"a":1,"b":2,"flash":{"kind":["old"]}}`)
		want := model{map[string]int{"a": 1, "b": 2}, []string{"old"}}
		open := func() *session.Session {
			s, err := m.Open(ctx, fuzzID)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		play := func(s *session.Session, program []byte) (effects []effect) {
			seen, written := want.clone(), false
			for i := 0; i+1 < min(len(program), 40); i += 2 {
				do, writes := act(t, s, &seen, program[i], program[i+1])
				effects, written = append(effects, do), written || writes
			}
			if !written {
				return nil
			}
			return effects
		}
		a, b := open(), open()
		effectsA, effectsB := play(a, first), play(b, second)
		for _, s := range []*session.Session{a, b} {
			if err := s.Save(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, do := range slices.Concat(effectsA, effectsB) {
			do(&want)
		}
		got := model{values: map[string]int{}}
		s := open()
		for _, key := range mergeKeys {
			if n, ok, err := key.Get(s); err != nil {
				t.Fatal(err)
			} else if ok {
				got.values[string(key)] = n
			}
		}
		got.flash, _ = s.Flashes("kind")
		if !maps.Equal(got.values, want.values) || !slices.Equal(got.flash, want.flash) {
			t.Errorf("got %v, want %v\n%s", got, want, st.record(fuzzID))
		}
	})
}

// FuzzFlash: a message is returned once, unchanged, whatever its kind and text; invalid UTF-8, which JSON
// cannot have, becomes U+FFFD.
func FuzzFlash(f *testing.F) {
	f.Add("info", "saved")
	f.Add("", "")
	f.Add("__proto__", `"},{"x"`)
	f.Add("\u2028<&>", "\x00\xff")
	f.Fuzz(func(t *testing.T, kind, message string) {
		st := newScripted()
		m := newManager(t, st)
		ctx := t.Context()
		st.put(fuzzID, `{"cookie":{},"flash":{"other":["stays"]}}`)
		s, err := m.Open(ctx, fuzzID)
		if err != nil {
			t.Fatal(err)
		}
		if kind == "other" || !utf8.ValidString(kind) {
			return
		}
		for range 2 {
			if err := s.Flash(kind, message); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Save(ctx); err != nil {
			t.Fatal(err)
		}
		s, err = m.Open(ctx, fuzzID)
		if err != nil {
			t.Fatalf("%v: %s", err, st.record(fuzzID))
		}
		want := string([]rune(message)) // each bad byte by itself
		for _, list := range [][]string{{want, want}, nil} {
			got, err := s.Flashes(kind)
			if err != nil || !slices.Equal(got, list) {
				t.Errorf("kind %q: got %q, error %v, want %q", kind, got, err, list)
			}
		}
		if got, err := s.Flashes("other"); err != nil || !slices.Equal(got, []string{"stays"}) {
			t.Errorf("another kind: got %q, error %v", got, err)
		}
	})
}

// FuzzLabel: whatever the label, a session with it is found and ended by it; a label that cannot be stored
// is refused.
func FuzzLabel(f *testing.F) {
	f.Add("device:1")
	f.Add("")
	f.Add("a\xff")
	f.Add(`"quotes" and \`)
	f.Add("{tag}")
	f.Add(strings.Repeat("x", 513))
	f.Fuzz(func(t *testing.T, label string) {
		st := newScripted()
		m := newManager(t, st)
		ctx := context.Background()
		st.put(fuzzID, `{"cookie":{},"text":"x"}`)
		s, err := m.Open(ctx, fuzzID)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Link(ctx, label)
		if refused := label == "" || len(label) > 512 || !utf8.ValidString(label); (err != nil) != refused {
			t.Fatalf("Link: got error %v, want one: %t", err, refused)
		}
		if err != nil {
			return
		}
		if err := s.Save(ctx); err != nil {
			t.Fatal(err)
		}
		found := 0
		for info, err := range m.Linked(ctx, label) {
			if err != nil || info.Ref != s.Ref() || !slices.Contains(info.Labels, label) {
				t.Errorf("found %v, error %v", info, err)
			}
			found++
		}
		if found != 1 {
			t.Errorf("found %d sessions, want 1", found)
		}
		for _, err := range m.Linked(ctx, label+"x") {
			t.Errorf("found a session under another label, error %v", err)
		}
		if n, err := m.DestroyLinked(ctx, label); n != 1 || err != nil || len(st.ids()) != 0 {
			t.Errorf("ended %d, error %v, %d are left", n, err, len(st.ids()))
		}
	})
}
