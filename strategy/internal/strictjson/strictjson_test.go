package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/strategy/internal/strictjson"
)

func TestNamesAreUniqueAtEveryDepth(t *testing.T) {
	for _, r := range []struct {
		name, text string
		err        error
	}{
		{"an empty object", `{}`, nil},
		{"each name once", `{"a":{"b":1,"c":{"b":2}},"b":[{"a":1},{"a":2}]}`, nil},
		{"a value that is the name", `{"a":{"b":"b","c":["c","c"]}}`, nil},
		{"twice at the top", `{"a":1,"a":1}`, strictjson.ErrTwice},
		{"twice, once with an escape", `{"a":1,"\u0061":1}`, strictjson.ErrTwice},
		{"twice in an object", `{"x":{"a":1,"a":2}}`, strictjson.ErrTwice},
		{"twice in an object in a list", `{"x":[1,{"a":{},"b":[],"a":2}]}`, strictjson.ErrTwice},
		{"twice after an object", `{"x":{"a":1,"b":{"a":1},"a":2}}`, strictjson.ErrTwice},
		{"in two cases", `{"a":1,"A":2,"x":{"a":1,"A":2}}`, nil},
	} {
		if _, err := strictjson.Parse([]byte(r.text)); !errors.Is(err, r.err) {
			t.Errorf("%s: got %v, want %v", r.name, err, r.err)
		}
	}
	for _, text := range []string{``, `[]`, `1`, `{"a":1}{}`, `{"a"}`, "{\"a\":\"\xff\"}", `{a:1}`} {
		if o, err := strictjson.Parse([]byte(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, o)
		}
	}
	deep := `{"a":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `}`
	if _, err := strictjson.Parse([]byte(deep)); err != nil {
		t.Errorf("nested 9,000 times: %v", err)
	}
}

func TestTwinsAndMisspeltNames(t *testing.T) {
	for _, r := range []struct {
		text     string
		twins    bool
		misspelt string
	}{
		{`{"sub":1,"aud":2}`, false, ""},
		{`{"sub":1,"Sub":2}`, true, "Sub"},
		{`{"ſub":1}`, false, "ſub"},
		{`{"k":1,"\u212a":2}`, true, ""}, // the Kelvin sign
		{`{"subs":1}`, false, ""},
	} {
		o, err := strictjson.Parse([]byte(r.text))
		if err != nil {
			t.Fatal(err)
		}
		if name, _ := o.Misspelt("sub", "aud"); o.HasTwins() != r.twins || name != r.misspelt {
			t.Errorf("%s: got %t, %q, want %t, %q", r.text, o.HasTwins(), name, r.twins, r.misspelt)
		}
	}
}

// TestFoldIsTheSameForAllSpellings that encoding/json takes for one, and for no others.
func TestFoldIsTheSameForAllSpellings(t *testing.T) {
	for r := range rune(0x20000) {
		a := "x" + string(r)
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if b := "X" + string(f); strictjson.Fold(a) != strictjson.Fold(b) {
				t.Errorf("%q and %q: got %q and %q, want the same", a, b, strictjson.Fold(a), strictjson.Fold(b))
			}
		}
		if got := strictjson.Fold(a); utf8.ValidRune(r) && !strings.EqualFold(got, a) {
			t.Errorf("%q: got %q, another name", a, got)
		}
	}
}

type base struct {
	ID string `json:"id"`
}

type node struct {
	*node //nolint:unused // only the shape matters
	base

	Name     string           `json:"name"`
	Skipped  string           `json:"-"`
	Plain    int              // its JSON name is Plain
	At       time.Time        `json:"at"` // has its own UnmarshalJSON
	Any      any              `json:"any"`
	Children []*node          `json:"children"`
	ByName   map[string]node  `json:"by_name"`
	Groups   map[string][]int `json:"groups"`
	Inner    struct {
		Admin bool `json:"admin"`
	} `json:"inner"`
}

func TestAShapeIsWhatEncodingJSONFills(t *testing.T) {
	shape := strictjson.ShapeOf(reflect.TypeFor[*node]())
	for _, r := range []struct{ name, text, misspelt string }{
		{"exact names", `{"id":"1","name":"a","Plain":1,"at":"2000-01-01T00:00:00Z","inner":{"admin":true}}`, ""},
		{"of the type itself", `{"Name":"a"}`, "Name"},
		{"of an embedded type", `{"ID":"a"}`, "ID"},
		{"of a field without a tag", `{"plain":1}`, "plain"},
		{"in an object", `{"inner":{"Admin":true}}`, "Admin"},
		{"in a list", `{"children":[{"name":"a"},{"NAME":"b"}]}`, "NAME"},
		{"in a list in a list", `{"children":[{"children":[{"inner":{"ADMIN":true}}]}]}`, "ADMIN"},
		{"in a map", `{"by_name":{"x":{"Name":"a"}}}`, "Name"},
		{"a name of a map", `{"by_name":{"NAME":{"name":"a"}},"groups":{"a":[1],"A":[2]}}`, ""},
		{"a field that is skipped", `{"skipped":1,"SKIPPED":2}`, ""},
		{"under any", `{"any":{"Name":1,"Admin":2}}`, ""},
		{"a value of another kind", `{"inner":[],"children":{},"name":[{"Name":1}]}`, ""},
	} {
		o, err := strictjson.Parse([]byte(r.text))
		if err != nil {
			t.Fatal(err)
		}
		err = shape.Check(o)
		if (err != nil) != (r.misspelt != "") || err != nil && !strings.HasPrefix(err.Error(), `"`+r.misspelt+`"`) {
			t.Errorf("%s: got %v, want %q", r.name, err, r.misspelt)
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[map[string]any](), reflect.TypeFor[any](), reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time](), reflect.TypeFor[[]string](), reflect.TypeFor[json.RawMessage]()} {
		if s := strictjson.ShapeOf(typ); s != nil {
			t.Errorf("%v: got a shape, want none", typ)
		}
	}
}

// decoded is what encoding/json's Decoder finds in an object: names are unescaped, values are as they stand.
func decoded(data []byte) (map[string]string, bool) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	members := map[string]string{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		if _, there := members[name.(string)]; there {
			return nil, false
		}
		members[name.(string)] = string(value)
	}
	return members, true
}

func FuzzParseReadsWhatADecoderReads(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":1}`, "\t{ \"a\" :\n[1, {\"b\":\"]}\\\"\"}] , \"c\"\r: null }", `{"a":"\\","b":-1.5e+3,"c":true}`,
		`{"\u0061":1,"b":"\u0061\ud800"}`, `{"a":[],"b":{},"c":[[]],"d":[{}]}`, `{"a":1,"a":2}`, `{"":""}`, `[1]`, `{"a":[ "x" , 1 ]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := strictjson.Parse(data)
		want, ok := decoded(data)
		if err != nil {
			if ok && json.Valid(data) && utf8.Valid(data) && !errors.Is(err, strictjson.ErrTwice) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if !ok || len(got) != len(want) {
			t.Fatalf("%q: got %q, want %q", data, got, want)
		}
		for name, raw := range got {
			if value, there := want[name]; !there || value != string(raw) {
				t.Errorf("%q: %q: got %q, want %q", data, name, raw, value)
			}
			var text string
			if raw[0] == '"' {
				if err := json.Unmarshal(raw, &text); err != nil {
					t.Fatal(err)
				}
				if got, err := strictjson.Text(raw); err != nil || got != text {
					t.Errorf("%q: text: got %q, %v, want %q", raw, got, err, text)
				}
			}
			var list []json.RawMessage
			if raw[0] == '[' {
				if err := json.Unmarshal(raw, &list); err != nil {
					t.Fatal(err)
				}
				items := strictjson.Items(raw)
				if len(items) != len(list) {
					t.Fatalf("%q: items: got %q, want %q", raw, items, list)
				}
				for i, item := range items {
					if !bytes.Equal(item, list[i]) {
						t.Errorf("%q: item %d: got %q, want %q", raw, i, item, list[i])
					}
				}
			}
		}
	})
}
