package serializer_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/serializer"
)

// byPart names users by the member id in their ids.
type byPart struct{ serializer.Serializer[*user] }

func (byPart) UserName(id json.RawMessage) (string, error) {
	var part struct{ ID string }
	if json.Unmarshal(id, &part) != nil {
		return "", serializer.ErrSkip
	}
	return part.ID, nil
}

func TestNameOf(t *testing.T) {
	plain := serializer.Serializer[*user](byID(newTable()))
	named := serializer.Serializer[*user](byPart{plain})
	stamped := serializer.WithStamp(named, func(u *user) string { return u.hash })
	for _, row := range []struct {
		name string
		s    serializer.Serializer[*user]
		id   string
		want string // empty for an error
	}{
		{"a number", plain, `12`, `12`},
		{"a number in another form", plain, `1.2e1`, `12`},
		{"a fraction", plain, `1.5`, `1.5`},
		{"a fraction in another form", plain, `1.50`, `1.5`},
		{"a fraction with an exponent", plain, `150.0e-2`, `1.5`},
		{"a small one", plain, `0.00000010`, `1e-7`},
		{"a big one", plain, `1E19`, `10000000000000000000`},
		{"a bigger one", plain, `10e20`, `1e+21`},
		{"a bigger one, in full", plain, "1" + strings.Repeat("0", 21), `1e+21`},
		{"a negative one", plain, `-5.0`, `-5`},
		{"zero, below", plain, `-0`, `0`},
		{"zero, in another form", plain, `-0.0e3`, `0`},
		{"beyond 2^53", plain, `9007199254740993`, `9007199254740993`},
		{"beyond 2^53, in an object", plain, `{"id":9007199254740993}`, `{"id":9007199254740993}`},
		{"beyond 2^53, with a fraction", plain, `9007199254740993.0`, `9007199254740993`},
		{"2^53, with a fraction", plain, `9007199254740992.0`, `9007199254740992`},
		{"sixteen digits", plain, `1234567890123456`, `1234567890123456`},
		{"sixteen digits, with a fraction", plain, `1234567890123456.0`, `1234567890123456`},
		{"sixteen digits, with an exponent", plain, `1234567890123456e0`, `1234567890123456`},
		{"a fraction of twenty digits", plain, `-0.012345678901234567890`, `-0.01234567890123456789`},
		{"more digits than are written plainly", plain, `1234567890123456789012`, `1.234567890123456789012e+21`},
		{"beyond a float64", plain, `1e400`, `1e+400`},
		{"beyond a float64, in another form", plain, `1E400`, `1e+400`},
		{"beyond a float64, with a fraction", plain, `1.0e400`, `1e+400`},
		{"an exponent beyond all", plain, `1e99999999999999999999`, `1e99999999999999999999`},
		{"below a float64", plain, `1e-400`, `1e-400`},
		{"a string", plain, `"joe"`, `"joe"`},
		{"a string with an escape", plain, `"jo\u0065"`, `"joe"`},
		{"an object", plain, `{"id":1,"tenant":"a"}`, `{"id":1,"tenant":"a"}`},
		{"its members in another order, with spaces", plain, `{ "tenant": "a", "id": 1.0 }`, `{"id":1,"tenant":"a"}`},
		{"an array", plain, `[ 1, {"b":2,"a":1} ]`, `[1,{"a":1,"b":2}]`},
		{"what is not JSON", plain, `{`, ``},
		{"the serializer's own word", named, `{"id":"7","role":"admin"}`, `"7"`},
		{"the same user in another role", named, `{"id":"7","role":"editor"}`, `"7"`},
		{"below a stamp", stamped, `{"id":"7","role":"admin"}`, `"7"`},
		{"in a chain", serializer.Chain[*user](stamped, plain), `{"id":"7","role":"admin"}`, `"7"`},
		{"in a chain, an id of the other link", serializer.Chain[*user](stamped, plain), `7`, `7`},
		{"an empty name", named, `{"role":"admin"}`, ``},
	} {
		got, err := serializer.NameOf(row.s, json.RawMessage(row.id))
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: got %s and %v, want %q", row.name, got, err, row.want)
		}
	}
	if _, err := serializer.NameOf(named, json.RawMessage(`7`)); !errors.Is(err, serializer.ErrSkip) {
		t.Errorf("a serializer that has no name for an id: got %v, want ErrSkip", err)
	}
}
