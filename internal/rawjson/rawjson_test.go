package rawjson_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

func TestValidAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `1e21`, `1.5E-3`, `"a"`, ` [ 1 , 2 ] `, `{"a":{"b":[{}]}}`,
		`{"a":[],"b":{}}`, `"\u00e9\n"`, "\"\u2028\"",
		``, ` `, `{`, `}`, `[`, `]`, `[1,]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{1:2}`, `01`, `-`, `1.`, `.5`, `1e`, `+1`,
		`nul`, `tru`, `"`, `"\x"`, `"\u12"`, "\"\n\"", `[1 2]`, `{"a" 1}`, `{}{}`, `[}`, `{]`, `[[]`, `[]]`, `"a"b`, `NaN`,
	} {
		if got, want := rawjson.Valid([]byte(text)), json.Valid([]byte(text)); got != want {
			t.Errorf("Valid(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if !rawjson.Valid(nested(rawjson.MaxDepth)) {
		t.Errorf("%d levels are refused", rawjson.MaxDepth)
	}
	if rawjson.Valid(nested(rawjson.MaxDepth + 1)) {
		t.Errorf("%d levels are accepted", rawjson.MaxDepth+1)
	}
	if rawjson.Valid(bytes.Repeat([]byte(`{"a":`), 100_000)) {
		t.Error("unclosed nesting is accepted")
	}
}

func TestObjectEditsAsText(t *testing.T) {
	const in = ` { "b" : 1.0 , "a":"\u0041" ,"2":4,"\u0063":null, "b":2e0 } `
	for _, row := range []struct {
		name string
		edit func(o *rawjson.Object)
		want string
	}{
		{"unchanged members keep their text and order, a repeated name its last value", func(*rawjson.Object) {}, `{"b":2e0,"a":"\u0041","2":4,"\u0063":null}`},
		{"a value is replaced in place", func(o *rawjson.Object) { o.Set("a", json.RawMessage(`7`)) }, `{"b":2e0,"a":7,"2":4,"\u0063":null}`},
		{"an escaped name is found", func(o *rawjson.Object) { o.Set("c", json.RawMessage(`7`)) }, `{"b":2e0,"a":"\u0041","2":4,"\u0063":7}`},
		{"a new member comes last", func(o *rawjson.Object) { o.Set(`q"`, json.RawMessage(`[]`)) }, `{"b":2e0,"a":"\u0041","2":4,"\u0063":null,"q\"":[]}`},
		{"a member is removed", func(o *rawjson.Object) { o.Delete("b") }, `{"a":"\u0041","2":4,"\u0063":null}`},
		{"members are removed by name", func(o *rawjson.Object) { o.DeleteFunc(func(n string) bool { return n != "c" }) }, `{"\u0063":null}`},
	} {
		var o rawjson.Object
		if err := o.Parse([]byte(in)); err != nil {
			t.Fatal(err)
		}
		row.edit(&o)
		if got := string(o.AppendTo(nil)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// told returns what a Reader reads from data: the path and text of each value. It enters objects called
// "in".
func told(data string) (list []string, err error) {
	r := rawjson.NewReader([]byte(data))
	var tell func(path string)
	tell = func(path string) {
		for ok := r.Enter(); ok && r.Next(); {
			name := path + string(r.Name())
			switch {
			case strings.HasSuffix(name, "in"):
				tell(name + ".")
			case strings.HasSuffix(name, "skip"):
			default:
				list = append(list, name+"="+string(r.Value()))
			}
		}
	}
	tell("")
	return list, r.End()
}

func TestReaderTellsOfMembersInOrder(t *testing.T) {
	for _, row := range []struct{ name, data, want string }{
		{"an empty object", ` { } `, ``},
		{"values as written, with blanks around them left out", `{ "a" : 1.0 , "b":"\u0041" }`, `a=1.0 b="\u0041"`},
		{"names are unescaped", `{"\u0061b":1}`, `ab=1`},
		{"a repeated name comes twice", `{"a":1,"a":2}`, `a=1 a=2`},
		{"values passed over", `{"skip":{"a":[1]},"a":2,"skip":3}`, `a=2`},
		{"objects within", `{"in":{"a":1,"in":{}},"b":2}`, `in.a=1 b=2`},
		{"what cannot be entered is passed over", `{"in":[{"a":1}],"b":2}`, `b=2`},
		{"another value has no members", `[1]`, ``},
	} {
		got, err := told(row.data)
		if err != nil || strings.Join(got, " ") != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
	for _, data := range []string{``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"in":{}`, `{"in":{"a":}}`, `{"in":{]}`, `{}}`, `{"in":{}}x`, `{"skip":[}`, `[1`, "{\"\xff\":1}"} {
		if got, err := told(data); err == nil {
			t.Errorf("%q is accepted as JSON, with the values %q", data, got)
		}
	}
}

func TestReaderCountsTheLevelsItEntered(t *testing.T) {
	within := func(n int) string { return `{"in":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}` }
	if _, err := told(within(rawjson.MaxDepth - 2)); err != nil {
		t.Errorf("%d levels are refused: %v", rawjson.MaxDepth, err)
	}
	if _, err := told(within(rawjson.MaxDepth - 1)); err == nil {
		t.Errorf("%d levels are accepted", rawjson.MaxDepth+1)
	}
}

func TestCopyIsIndependent(t *testing.T) {
	var a, b rawjson.Object
	if err := a.Parse([]byte(`{"a":1,"b":2}`)); err != nil {
		t.Fatal(err)
	}
	b.CopyFrom(&a)
	b.Set("a", json.RawMessage(`9`))
	b.Delete("b")
	if got, want := string(a.AppendTo(nil)), `{"a":1,"b":2}`; got != want {
		t.Errorf("the original became %s, want %s", got, want)
	}
}

func TestManyMembersCostLinearTime(t *testing.T) {
	var sb strings.Builder
	sb.WriteByte('{')
	const n = 200_000 // quadratic search would take minutes
	for i := range n {
		sb.WriteString(`"k` + strconv.Itoa(i%(n/2)) + `":` + strconv.Itoa(i) + `,`)
	}
	sb.WriteString(`"last":1}`)
	var o rawjson.Object
	if err := o.Parse([]byte(sb.String())); err != nil {
		t.Fatal(err)
	}
	if got, want := o.Len(), n/2+1; got != want {
		t.Errorf("Len() = %d, want %d", got, want)
	}
	if got, want := string(o.Get("k7")), strconv.Itoa(n/2+7); got != want {
		t.Errorf("Get(k7) = %s, want the last value %s", got, want)
	}
}

func TestLookingUpEscapedNamesCostsLinearTime(t *testing.T) {
	var sb strings.Builder
	sb.WriteString(`{"_":0`)
	const n = 200_000
	for i := range n {
		sb.WriteString(`,"\u006b` + strconv.Itoa(i) + `":` + strconv.Itoa(i))
	}
	sb.WriteByte('}')
	var o, edited rawjson.Object
	if err := o.Parse([]byte(sb.String())); err != nil {
		t.Fatal(err)
	}
	edited.CopyFrom(&o)
	edited.Set("first", json.RawMessage(`1`))
	edited.Delete("_")
	for i := range n { // a linear search for each would take hours
		name := "k" + strconv.Itoa(i)
		if got := string(o.Get(name)) + string(edited.Get(name)); got != strconv.Itoa(i)+strconv.Itoa(i) {
			t.Fatalf("Get(%s) twice = %s", name, got)
		}
		edited.Set(name, json.RawMessage(`-1`))
	}
	edited.Set("last", json.RawMessage(`2`))
	if got := string(edited.Get("first")) + string(edited.Get("last")) + string(edited.Get("k7")); got != "12-1" || edited.Get("_") != nil || edited.Len() != n+2 {
		t.Errorf("after the edits: %s, %d members", got, edited.Len())
	}
}

func TestMarshalSharesNoMemory(t *testing.T) {
	raw := json.RawMessage(`"theirs"`)
	got, err := rawjson.Marshal(raw)
	if copy(raw, `"others"`); string(got) != `"theirs"` || err != nil {
		t.Errorf("the value became %s, %v", got, err)
	}
}

// TestStringsAreMarshalledAsByEncodingJSON: every byte, at every place of the words that are looked at at
// once.
func TestStringsAreMarshalledAsByEncodingJSON(t *testing.T) {
	type slow string // goes the way of every other type
	texts := []string{"", "\xc3", "\xed\xa0\x80", "\ufeff", strings.Repeat("\u00e9", 9), "x\u2028\"\xff"}
	for c := range 256 {
		for i := range 18 {
			b := []byte("abcdefghijklmnopq")
			texts = append(texts, string(slices.Insert(b, i, byte(c))))
		}
	}
	for _, text := range texts {
		got, err := rawjson.Marshal(text)
		want, wantErr := rawjson.Marshal(slow(text))
		if string(got) != string(want) || err != nil || wantErr != nil {
			t.Errorf("Marshal(%q) = %s, %v, want %s, %v", text, got, err, want, wantErr)
		}
		if quoted := rawjson.Quote(text); string(quoted) != string(want) {
			t.Errorf("Quote(%q) = %s, want %s", text, quoted, want)
		}
		if !json.Valid(got) || !rawjson.Valid(got) {
			t.Errorf("Marshal(%q) = %s, which is not JSON", text, got)
		}
	}
}

func TestMarshalIsStringify(t *testing.T) {
	for _, row := range []struct {
		value any
		want  string
	}{
		{"<a>&\u2028\u2029", "\"<a>&\u2028\u2029\""},
		{`\u2028`, `"\\u2028"`},
		{"\\\u2028", "\"\\\\\u2028\""},
		{"\b\f\n\r\t\x01\x7f", "\"\\b\\f\\n\\r\\t\\u0001\x7f\""},
		{map[string]string{"a<": "b>"}, `{"a<":"b>"}`},
		{json.RawMessage(`1.0`), `1.0`},
		{int64(9007199254740993), `9007199254740993`},
	} {
		got, err := rawjson.Marshal(row.value)
		if err != nil || string(got) != row.want {
			t.Errorf("Marshal(%q) = %s, %v, want %s", row.value, got, err, row.want)
		}
	}
	bad := json.RawMessage("\"\xff\"")
	for _, value := range []any{json.RawMessage(`{`), bad, struct{ A json.RawMessage }{bad}, []any{bad}} {
		if got, err := rawjson.Marshal(value); err == nil {
			t.Errorf("Marshal(%q) = %q, want an error: nobody could read it", value, got)
		}
	}
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"a":2}`, `{"\u0061":"\ud83d\ude00"}`, `[1]`, `{"a":01}`, "{\"\xff\":1}"} {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"in":{"a":{"in":1},"in":{}},"skip":[{"b":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var o rawjson.Object
		err := o.Parse(data)
		if _, told := told(string(data)); (told == nil) != rawjson.Valid(data) {
			t.Fatalf("for %[2]q Reader returns %[1]v and Valid %[3]v", told, data, rawjson.Valid(data))
		}
		var m map[string]json.RawMessage
		std := json.Unmarshal(data, &m)
		if err == nil && (std != nil || m == nil) {
			t.Fatalf("rawjson accepts what encoding/json refuses: %q", data)
		}
		if err != nil {
			return
		}
		text := o.AppendTo(nil)
		var again rawjson.Object
		if err := again.Parse(text); err != nil {
			t.Fatalf("own text %q is refused: %v", text, err)
		}
		if twice := again.AppendTo(nil); !bytes.Equal(text, twice) {
			t.Fatalf("encoding twice gives different texts: %q, %q", text, twice)
		}
	})
}

func BenchmarkParseSmallRecord(b *testing.B) {
	data := []byte(`{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1,"go":{"for":1,"at":1795442400123}},"_go":{"b":1795442400123,"s":1795442400123,"v":"abcdefgh"}}`)
	b.ReportAllocs()
	for b.Loop() {
		var o rawjson.Object
		if err := o.Parse(data); err != nil {
			b.Fatal(err)
		}
		if o.Get("passport") == nil {
			b.Fatal("no passport")
		}
	}
}

// TestStringifiedIsWhatNodeWrites: JSON.stringify(JSON.parse(v)), save that numbers keep their digits.
func TestStringifiedIsWhatNodeWrites(t *testing.T) {
	for v, want := range map[string]string{
		`1`: `1`, `"joe"`: `"joe"`, `"R\u0026D"`: `"R&D"`, `"\u003c\/\u2028"`: "\"</\u2028\"", `"\n\u0001"`: `"\n\u0001"`,
		`{ "b": 1.50, "a\u0026": [ true, null, -0, "\u0026" ] }`: `{"b":1.5,"a&":[true,null,0,"&"]}`,
		`[]`: `[]`, ` {} `: `{}`, `12345678901234567890123`: `1.2345678901234567890123e+22`,
		`"\ud800 \u0026"`:   `"\ud800 \u0026"`, // a Go string cannot have it
		"\"\ufffd\\u0026\"": "\"\ufffd&\"",
	} {
		got, err := rawjson.Stringified([]byte(v))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", v, got, err, want)
		}
		if again, err := rawjson.Stringified(got); err != nil || string(again) != string(got) {
			t.Errorf("%s: the second time: got %s, %v", v, again, err)
		}
	}
	for _, v := range []string{"", "{", `{"a":1`, `"a`, "[1] 2"} {
		if got, err := rawjson.Stringified([]byte(v)); err == nil {
			t.Errorf("%q: got %s, want an error", v, got)
		}
	}
}
