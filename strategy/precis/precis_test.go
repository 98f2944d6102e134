package precis_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/precis"
)

func TestAPasswordHasOneForm(t *testing.T) {
	for _, row := range []struct{ name, sent, want string }{
		{"as it is", "Passw0rd!", "Passw0rd!"},
		{"decomposed, as some of Apple's send it", "cafe\u0301", "café"},
		{"Vietnamese, half composed", "Viê\u0323t", "Việt"},
		{"Hangul in letters", "\u1112\u1161\u11ab", "한"},
		{"marks in another order", "a\u0323\u0307", "ạ\u0307"},
		{"a no-break space", "a\u00a0b", "a b"},
		{"case is kept", "ÉCOLE", "ÉCOLE"},
		{"width is kept", "ａb", "ａb"},
		{"what the profile does not allow", "e\u0301\x01", "é\x01"},
		{"nothing", "", ""},
	} {
		if got := precis.Password(row.sent); got != row.want {
			t.Errorf("%s: got %+q, want %+q", row.name, got, row.want)
		}
	}
}

func TestAnAccountHasOneName(t *testing.T) {
	for _, row := range []struct{ name, spelled, want string }{
		{"in capitals, with a space behind it", "JoeFoo@Test.com ", "joefoo@test.com"},
		{"decomposed", "Jose\u0301@test.com", "josé@test.com"},
		{"full-width", "ｊｏｅ@test.com", "joe@test.com"},
		{"half-width kana", "ｶﾅ@test.com", "カナ@test.com"},
		{"what the profile does not allow", "Jose\u0301 Foo", "josé foo"},
		{"nothing", " ", ""},
	} {
		if got := precis.Account(row.spelled); got != row.want {
			t.Errorf("%s: got %+q, want %+q", row.name, got, row.want)
		}
	}
}

// FuzzForms: the functions are idempotent.
func FuzzForms(f *testing.F) {
	for _, seed := range []string{"cafe\u0301", "ｶﾅ", "a\u0323\u0307", "\u212a", "a b", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if once := precis.Password(text); precis.Password(once) != once {
			t.Errorf("%+q as a password: got %+q and then %+q", text, once, precis.Password(once))
		}
		if once := precis.Account(text); precis.Account(once) != once {
			t.Errorf("%+q as an account: got %+q and then %+q", text, once, precis.Account(once))
		}
	})
}

// A password chosen on a Mac and typed on Windows.
func Example() {
	hasher := password.Normalized(&password.Bcrypt{InsecureFast: true, Cost: 4}, precis.Password) // in production: &password.Bcrypt{}
	hash, err := hasher.Hash(context.Background(), "cafe\u0301 au lait")
	if err != nil {
		panic(err)
	}
	fmt.Println(hasher.Verify(context.Background(), hash, "café au lait"))
	// Output: <nil>
}
