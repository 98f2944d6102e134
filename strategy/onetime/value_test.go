package onetime_test

import (
	"errors"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// TestATokenStandsForAValue: once. Types are told apart by their JSON alone.
func TestATokenStandsForAValue(t *testing.T) {
	type change struct{ User, Email string }
	tokens, want := newOneTime(t, newSpy(t), "change of address"), change{"joe", "joe@new.example"}
	token, err := onetime.IssueValue(t.Context(), tokens, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := onetime.RedeemValue[change](t.Context(), tokens, token); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := onetime.RedeemValue[change](t.Context(), tokens, token); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("again: got %v, want a refusal", err)
	}
	other := issue(t, tokens, "joe")
	if got, err := onetime.RedeemValue[change](t.Context(), tokens, other); err == nil || errors.Is(err, strategy.ErrUnauthenticated) || got != (change{}) {
		t.Errorf("of Issue: got %+v, %v, want an outage", got, err)
	}
	type login struct{ User, Stamp string }
	if token, err = onetime.IssueValue(t.Context(), tokens, want); err != nil {
		t.Fatal(err)
	}
	if got, err := onetime.RedeemValue[login](t.Context(), tokens, token); err != nil || got != (login{User: "joe"}) {
		t.Errorf("as another struct: got %+v, %v, want the fields that both have", got, err)
	}
	if _, err := onetime.IssueValue(t.Context(), tokens, func() {}); err == nil {
		t.Error("a value without JSON: no error")
	}
}
