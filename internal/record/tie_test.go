package record_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// TestNotesCountUnderTheirOwnIDAlone: not under an id that differs in one character.
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

// TestADeviceEndsWithItsLogIn: also if Node, which knows no devices, ended the log-in.
func TestADeviceEndsWithItsLogIn(t *testing.T) {
	now := time.Now()
	terms := record.Terms{Idle: time.Hour, Absolute: time.Hour, Cookie: []byte(`{}`)}
	var d record.Draft
	for _, key := range []string{"passport", "admin"} {
		d.SetSlot(key, record.Slot{User: []byte("1"), At: now})
		d.Members.Set(record.DevicePrefix+key, []byte(`{}`))
	}
	e, err := d.Encode(terms, "id", nil, "abcdefgh", now)
	if err != nil {
		t.Fatal(err)
	}
	passport := string(d.Members.Get("passport"))
	for _, row := range []struct {
		name, id, byNode string // byNode is what Node wrote instead of passport's log-in
		want             []string
	}{
		{"as Go wrote it", "id", passport, []string{"passport", "admin"}},
		{"another user", "id", `{"user":2}`, []string{"admin"}},
		{"another user beside the notes", "id", strings.Replace(passport, `"user":1`, `"user":2`, 1), []string{"admin"}},
		{"the same user, logged in anew", "id", `{"user":1}`, []string{"admin"}},
		{"nobody", "id", `{}`, []string{"admin"}},
		{"a copy under another id", "other", passport, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			var r record.Record
			text := strings.Replace(string(e.Record.Bytes()), passport, row.byNode, 1)
			if err := r.Parse(row.id, []byte(text)); err != nil {
				t.Fatal(err)
			}
			var next record.Draft
			next.Reset(&r)
			var got []string
			for _, key := range []string{"passport", "admin"} {
				if next.Members.Get(record.DevicePrefix+key) != nil {
					got = append(got, key)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(row.want) {
				t.Errorf("the devices of %v are left, want %v", got, row.want)
			}
		})
	}
}
