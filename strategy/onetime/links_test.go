package onetime_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// member is a user with a row in a table.
type member struct{ id, email, hash string }

// members is the table, by id. Its err is an outage.
type members struct {
	rows map[string]*member
	err  error
}

func (t *members) byID(_ context.Context, id string) (*member, error) {
	if t.err != nil {
		return nil, t.err
	}
	if m, ok := t.rows[id]; ok {
		return m, nil
	}
	return nil, serializer.ErrUserGone
}

const address = "joe@test.example"

// newLinks returns links for the user joe of a table. bind may be nil.
func newLinks(t testing.TB, bind func(context.Context) (string, error)) (*onetime.Links[*member], *members) {
	t.Helper()
	table := &members{rows: map[string]*member{"1": {"1", address, "a hash"}}}
	links, err := onetime.NewLinks(onetime.LinksConfig[*member]{
		Tokens: newSpy(t), Purpose: "a link", Bind: bind,
		Users: serializer.WithStamp(serializer.ByID(func(m *member) string { return m.id }, table.byID),
			func(m *member) string { return m.hash + m.email }),
	})
	if err != nil {
		t.Fatal(err)
	}
	return links, table
}

func link(t testing.TB, links *onetime.Links[*member], user *member) string {
	t.Helper()
	token, err := links.Issue(t.Context(), address, user)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// use returns whom a link was for.
func use(t testing.TB, links *onetime.Links[*member], token string) (to string, user *member, err error) {
	t.Helper()
	err = links.Use(t.Context(), token, func(_ context.Context, address string, u *member) error {
		to, user = address, u
		return nil
	})
	return to, user, err
}

// TestALinkIsForItsAddressAndItsUser: once.
func TestALinkIsForItsAddressAndItsUser(t *testing.T) {
	links, table := newLinks(t, nil)
	for name, want := range map[string]*member{"a user": table.rows["1"], "nobody": nil} {
		token := link(t, links, want)
		if got := onetime.Address(token); got != address {
			t.Errorf("%s: the page gets %q, want %s", name, got, address)
		}
		if to, user, err := use(t, links, token); err != nil || to != address || user != want {
			t.Errorf("%s: got %q, %v, %v, want %s, %v", name, to, user, err, address, want)
		}
		if _, _, err := use(t, links, token); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: again: got %v, want a refusal", name, err)
		}
	}
}

// TestALinkIsForAUserOfAnyID: its JSON is kept as the serializer writes it, or the stamp would be another one.
func TestALinkIsForAUserOfAnyID(t *testing.T) {
	for _, id := range []json.RawMessage{[]byte(`"R&D"`), []byte(`"<joe>"`), []byte("\"\u2028\""), []byte(`{ "id": 1 }`)} {
		joe := &member{email: address}
		links, err := onetime.NewLinks(onetime.LinksConfig[*member]{
			Tokens: newSpy(t), Purpose: "a link",
			Users: serializer.WithStamp[*member](written{id, joe}, func(*member) string { return "a hash" }),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, user, err := use(t, links, link(t, links, joe)); err != nil || user != joe {
			t.Errorf("%s: got %v, %v, want the user", id, user, err)
		}
	}
}

// written is a serializer that writes the id of its one user so.
type written struct {
	id   json.RawMessage
	user *member
}

func (w written) Serialize(context.Context, *member) (json.RawMessage, error) { return w.id, nil }

func (w written) Deserialize(_ context.Context, id json.RawMessage) (*member, error) {
	if string(id) != string(w.id) {
		return nil, serializer.ErrUserGone
	}
	return w.user, nil
}

// TestALinkWithAnotherAddressIsNoLink: an attacker could show a victim's address above their own token. The link
// itself stays valid.
func TestALinkWithAnotherAddressIsNoLink(t *testing.T) {
	links, table := newLinks(t, nil)
	token := link(t, links, table.rows["1"])
	for _, suffix := range []string{base64.RawURLEncoding.EncodeToString([]byte("kim@test.example")), ""} {
		if _, _, err := use(t, links, token[:32]+suffix); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("with %q: got %v, want a refusal", suffix, err)
		}
	}
	if _, _, err := use(t, links, token); err != nil {
		t.Errorf("the link itself: got %v", err)
	}
}

// TestALinkEndsWithItsUser, with the password and with the address.
func TestALinkEndsWithItsUser(t *testing.T) {
	for name, change := range map[string]func(rows map[string]*member){
		"another password": func(rows map[string]*member) { rows["1"] = &member{"1", address, "another hash"} },
		"another address":  func(rows map[string]*member) { rows["1"] = &member{"1", "joe@new.example", "a hash"} },
		"deleted":          func(rows map[string]*member) { delete(rows, "1") },
	} {
		links, table := newLinks(t, nil)
		token := link(t, links, table.rows["1"])
		change(table.rows)
		if to, user, err := use(t, links, token); !errors.Is(err, strategy.ErrUnauthenticated) || to != "" {
			t.Errorf("%s: got %q, %v, %v, want a refusal", name, to, user, err)
		}
	}
}

// TestASVS_6_6_2_ABoundLinkWorksWhereItWasAskedFor alone.
func TestASVS_6_6_2_ABoundLinkWorksWhereItWasAskedFor(t *testing.T) {
	here, down := "a browser", error(nil)
	links, table := newLinks(t, func(context.Context) (string, error) { return here, down })
	token := link(t, links, table.rows["1"])
	down = credtest.ErrDown
	if _, _, err := use(t, links, token); !errors.Is(err, credtest.ErrDown) {
		t.Errorf("an outage: got %v", err)
	}
	down = nil
	if _, user, err := use(t, links, token); err != nil || user == nil {
		t.Errorf("in the same browser: got %v, %v, want the user", user, err)
	}
	token, here = link(t, links, table.rows["1"]), "another browser"
	if _, _, err := use(t, links, token); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("in another browser: got %v, want a refusal", err)
	}
	here = ""
	if _, err := links.Issue(t.Context(), address, nil); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("bound to nothing: got %v, want an error", err)
	}
}

// TestALinkLogsIn by its strategy, and not those who had no account.
func TestALinkLogsIn(t *testing.T) {
	links, table := newLinks(t, nil)
	s, err := links.Strategy(onetime.MagicLinkConfig{})
	if err != nil {
		t.Fatal(err)
	}
	token := link(t, links, table.rows["1"])
	table.err = credtest.ErrDown
	if _, err := s.Authenticate(nil, postForm("token="+token)); !errors.Is(err, credtest.ErrDown) {
		t.Errorf("an outage: got %v", err)
	}
	table.err = nil
	if user, err := s.Authenticate(nil, postForm("token="+token)); err != nil || user.email != address {
		t.Errorf("got %v, %v, want joe", user, err)
	}
	for name, token := range map[string]string{"again": token, "of nobody": link(t, links, nil)} {
		if user, err := s.Authenticate(nil, postForm("token="+token)); !errors.Is(err, strategy.ErrUnauthenticated) || user != nil {
			t.Errorf("%s: got %v, %v, want a refusal", name, user, err)
		}
	}
}

// TestOnlyAnAddressIsShown: a page must not show any other text from a link.
func TestOnlyAnAddressIsShown(t *testing.T) {
	links, table := newLinks(t, nil)
	token := link(t, links, table.rows["1"])
	shown := func(text string) string {
		return onetime.Address(token[:32] + base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	for _, text := range []string{"", "Call 555 now", "Joe <joe@test.example>", strings.Repeat("j", 254-12) + "@test.example"} {
		if got := shown(text); got != "" {
			t.Errorf("got %q shown", got)
		}
		if _, err := links.Issue(t.Context(), text, nil); err == nil || strings.Contains(err.Error(), "outage") {
			t.Errorf("%q: issued, %v", text, err)
		}
	}
	for _, text := range []string{"", token[:31], token[:32] + "A", token + "=", token + "\n"} {
		if got := onetime.Address(text); got != "" {
			t.Errorf("%q: got %q shown", text, got)
		}
	}
	for _, text := range []string{"kim@test.example", strings.Repeat("j", 254-13) + "@test.example"} {
		if got := shown(text); got != text {
			t.Errorf("got %q, want what the text says", got)
		}
	}
}

// TestALinkSaysWhatIsWrong: mistakes are errors, and no refusals.
func TestALinkSaysWhatIsWrong(t *testing.T) {
	_, err := onetime.NewLinks(onetime.LinksConfig[*member]{})
	for _, want := range []string{"Tokens is nil", "Purpose is empty", "Users is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	kept, table := newSpy(t), &members{}
	links, err := onetime.NewLinks(onetime.LinksConfig[*member]{
		Tokens: kept, Purpose: "a link", Users: serializer.WithStamp(serializer.ByID(func(m *member) string { return m.id }, table.byID), func(m *member) string { return m.hash }),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := links.Issue(t.Context(), address, &member{}); err == nil {
		t.Error("a user without an id: issued")
	}
	token := link(t, links, &member{id: "1"})
	table.rows = map[string]*member{"1": nil}
	if _, _, err := use(t, links, token); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("a look-up that finds nil: got %v, want an error that is no refusal", err)
	}
}

// TestATokenWithoutAnAddressIsNoLink: an earlier release of the program may have mailed it for the same purpose.
// It must not be used for no address.
func TestATokenWithoutAnAddressIsNoLink(t *testing.T) {
	kept := newSpy(t)
	users := serializer.ByID(func(m *member) string { return m.id }, (&members{}).byID)
	links, err := onetime.NewLinks(onetime.LinksConfig[*member]{
		Tokens: kept, Purpose: "a link", Users: serializer.WithStamp(users, func(*member) string { return "" }),
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens := newOneTime(t, kept, "a link")
	for _, text := range []string{"{}", `{"email":"joe@test.example"}`, "joe"} {
		if to, _, err := use(t, links, issue(t, tokens, text)); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: got the address %q, %v, want a refusal", text, to, err)
		}
	}
	if _, err := tokens.Redeem(t.Context(), link(t, links, nil)); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("a link as a token: got %v, want a refusal", err)
	}
}

// FuzzAddress: a text of which a page shows an address has one spelling.
func FuzzAddress(f *testing.F) {
	random := strings.Repeat("A", 32)
	for _, text := range []string{"", random, random + "a2ltQHRlc3QuZXhhbXBsZQ", random + "a2ltQHRlc3QuZXhhbXBsZR", random + "A\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := onetime.Address(text)
		if got != "" && text[32:] != base64.RawURLEncoding.EncodeToString([]byte(got)) {
			t.Errorf("%q: got %q, which is written otherwise", text, got)
		}
	})
}
