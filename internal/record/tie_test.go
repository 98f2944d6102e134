package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// TestNotesCountUnderTheirOwnIDAlone: whatever one character of another id differs.
func TestNotesCountUnderTheirOwnIDAlone(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, id := range []string{"k3J9aQx0Zt0x_Ak3J9aQx0Zt0x_Azzzz", "a-short-one", strings.Repeat("0", 32), "x"} {
		var d record.Draft
		e, err := d.Encode(record.Terms{Idle: time.Hour, Absolute: time.Hour, Cookie: []byte(`{}`)}, id, nil, "abcdefgh", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		counts := func(under string) bool {
			var r record.Record
			if err := r.Parse(under, e.Record.Bytes()); err != nil {
				t.Fatal(err)
			}
			_, _, ok := r.Written()
			return ok
		}
		if !counts(id) {
			t.Errorf("%q: the notes do not count under their own id", id)
		}
		for i := range id {
			for _, c := range alphabet {
				if other := id[:i] + string(c) + id[i+1:]; other != id && counts(other) {
					t.Errorf("the notes of %q count under %q", id, other)
				}
			}
		}
		for _, other := range []string{id + id[:1], id[:len(id)-1]} {
			if counts(other) {
				t.Errorf("the notes of %q count under %q", id, other)
			}
		}
	}
}
