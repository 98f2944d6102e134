package apikey_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

func TestKeysAreIssuedListedAndRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		keys := mustKeys(t, db)
		s := mustStrategy(t, db, apikey.Config{})
		first, one := issue(t, keys, apikey.Request{Owner: "joe", Name: "backup", Scopes: []string{"read"}})
		time.Sleep(time.Second)
		_, two := issue(t, keys, apikey.Request{Owner: "joe", TTL: time.Hour})
		issue(t, keys, apikey.Request{Owner: "jen"})

		list, err := keys.List(t.Context(), "joe")
		if err != nil || len(list) != 2 || list[0].ID != two.ID || list[1].Name != "backup" {
			t.Fatalf("got %+v, %v, want joe's two keys, the newest first", list, err)
		}
		if !one.Expires.IsZero() || two.Expires.Sub(two.Created) != time.Hour || !list[1].Allows("read") || list[1].Allows("write") {
			t.Errorf("got %+v and %+v, want one for good with the scope read, one for an hour", one, two)
		}
		if user, err := s.Authenticate(nil, with("X-API-Key", first)); err != nil || !slices.Equal(user.Scopes, []string{"read"}) {
			t.Errorf("got %v, %v, want a user with the key's scopes", user, err)
		}
		for _, row := range []struct {
			owner string
			want  bool
		}{{"jen", false}, {"joe", true}, {"joe", false}} {
			if was, err := keys.Revoke(t.Context(), row.owner, one.ID); err != nil || was != row.want {
				t.Errorf("joe's key, revoked by %s: got %t, %v, want %t", row.owner, was, err, row.want)
			}
		}
		if _, err := s.Authenticate(nil, with("X-API-Key", first)); credtest.StatusOf(err) != 401 {
			t.Errorf("after it was revoked: got %v, want 401", err)
		}
	})
}

func TestAnOutageOfTheTableIsAnError(t *testing.T) {
	db := newTable()
	db.down = credtest.ErrDown
	keys := mustKeys(t, db)
	_, _, err := keys.Issue(t.Context(), apikey.Request{Owner: "joe"})
	_, err2 := keys.List(t.Context(), "joe")
	_, err3 := keys.Revoke(t.Context(), "joe", "x")
	for _, err := range []error{err, err2, err3} {
		if !errors.Is(err, credtest.ErrDown) {
			t.Errorf("got %v, want the outage", err)
		}
	}
	for _, req := range []apikey.Request{{}, {Owner: "joe", TTL: -1}} {
		if _, _, err := keys.Issue(t.Context(), req); err == nil || errors.Is(err, credtest.ErrDown) {
			t.Errorf("%+v: got %v, want a mistake that is named", req, err)
		}
	}
}

// TestANameIsForPeople: as many characters as each database stores, whatever their bytes, and none that one does
// not store.
func TestANameIsForPeople(t *testing.T) {
	db := newTable()
	keys := mustKeys(t, db)
	for _, row := range []struct {
		name string
		want error
	}{
		{"", nil}, {strings.Repeat("🤖", 255), nil}, {"Robot 🤖", nil},
		{strings.Repeat("ж", 256), apikey.ErrName}, {"back\x00up", apikey.ErrName},
		{"back\nup", apikey.ErrName}, {"back\xffup", apikey.ErrName},
	} {
		if _, _, err := keys.Issue(t.Context(), apikey.Request{Owner: "joe", Name: row.name}); !errors.Is(err, row.want) {
			t.Errorf("%q: got %v, want %v", row.name, err, row.want)
		}
	}
	if len(db.keys) != 3 {
		t.Errorf("got %d keys in the table, want 3", len(db.keys))
	}
}

// TestASVS_11_5_1_AnAPIKeyHasA190BitSecretStoredHashed: of a thousand keys no two have the same id or
// secret, every character is used, and the stored data has no part of a secret.
func TestASVS_11_5_1_AnAPIKeyHasA190BitSecretStoredHashed(t *testing.T) {
	db := newTable()
	keys := mustKeys(t, db)
	pattern := regexp.MustCompile(apikey.Pattern("shop"))
	seen, characters := map[string]bool{}, map[rune]bool{}
	for range 1000 {
		text, key := issue(t, keys, apikey.Request{Owner: "joe"})
		if !pattern.MatchString("key: "+text+"\n") || len(text) != len("shop_")+12+1+32+6 {
			t.Fatalf("%d characters do not match %s", len(text), pattern)
		}
		secret := text[len(text)-38 : len(text)-6]
		if seen[secret] || seen[key.ID] || strings.Contains(key.Hash, secret) || len(key.Hash) != 64 {
			t.Fatal("an id or a secret is repeated, or is stored")
		}
		seen[secret], seen[key.ID] = true, true
		for _, c := range secret {
			characters[c] = true
		}
	}
	if len(characters) != 62 {
		t.Errorf("secrets have %d different characters, want 62", len(characters))
	}
}

// TestTheKeysInTheDocumentationAreKeys, so that a reader can try them.
func TestTheKeysInTheDocumentationAreKeys(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(apikey.Pattern("shop")).FindAllString(string(text), -1)
	if len(found) == 0 {
		t.Fatal("doc.go has none")
	}
	for _, key := range found {
		if _, ok := apikey.Parse(key); !ok {
			t.Errorf("%s is no key", key)
		}
	}
}

func TestParseTakesNothingElse(t *testing.T) {
	text, key := issue(t, mustKeys(t, newTable()), apikey.Request{Owner: "joe"})
	parsed, ok := apikey.Parse(text)
	if want := (apikey.Text{Prefix: "shop", ID: key.ID, Hash: key.Hash}); !ok || parsed != want {
		t.Fatalf("got %+v, want %+v", parsed, want)
	}
	for i := range text { // every change of one character
		for _, c := range []byte("0Az_ -\x00\xff") {
			if c == text[i] {
				continue
			}
			changed := text[:i] + string([]byte{c}) + text[i+1:]
			if _, ok := apikey.Parse(changed); ok {
				t.Errorf("%q for character %d: it still parses", c, i)
			}
		}
		if _, ok := apikey.Parse(text[:i] + text[i+1:]); ok {
			t.Errorf("without character %d: it still parses", i)
		}
	}
	for _, other := range []string{"", "_", "__", "shop", "shop__", "shop_" + text, text + "_", strings.Repeat("_", 100), "Shop" + text[4:], "1" + text[1:]} {
		if _, ok := apikey.Parse(other); ok {
			t.Errorf("%q parses", other)
		}
	}
}

// FuzzParse: a text that parses consists of the prefix, the id and 38 characters, matches the pattern for
// scanners, and does not parse with two characters exchanged.
func FuzzParse(f *testing.F) {
	text, _ := issue(f, mustKeys(f, newTable()), apikey.Request{Owner: "joe"})
	for _, seed := range []string{text, text[1:], text + "0", "shop_test" + text[4:], "shop_0_0", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, ok := apikey.Parse(text)
		if !ok {
			return
		}
		if !strings.HasPrefix(text, parsed.Prefix+"_"+parsed.ID+"_") || len(text) != len(parsed.Prefix)+1+12+1+38 {
			t.Errorf("%q: got %+v, which is not what it says", text, parsed)
		}
		if !regexp.MustCompile("^" + apikey.Pattern(parsed.Prefix) + "$").MatchString(text) {
			t.Errorf("%q does not match the pattern", text)
		}
		for i := 1; i < len(text); i++ {
			swapped := []byte(text)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			if _, ok := apikey.Parse(string(swapped)); ok && string(swapped) != text {
				t.Errorf("%q still parses with characters %d and %d exchanged", text, i-1, i)
			}
		}
	})
}
