package passkey_test

import (
	"bytes"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// TestTheTextOfAnIDIsTheIDOfOnePasskey: a form with another text names none.
func TestTheTextOfAnIDIsTheIDOfOnePasskey(t *testing.T) {
	for _, id := range [][]byte{{0}, {0xfb, 0xff, 0xfe}, bytes.Repeat([]byte("x"), 1023)} {
		if got := passkey.ParseID(passkey.Credential{ID: id}.IDText()); !bytes.Equal(got, id) {
			t.Errorf("got %x, want %x", got, id)
		}
	}
	for _, text := range []string{"", "a", "+/+/", "AA==", "AA AA", "AA\nAA", "AB", "é"} {
		if got := passkey.ParseID(text); len(got) != 0 {
			t.Errorf("%q: got %x, want none", text, got)
		}
	}
}
