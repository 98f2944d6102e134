package policy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// SHA-1 of "password" is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
const (
	stolenPassword = "password"
	stolenRest     = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
	otherRest      = "00D4F6E8FA6EECAD2A3AA415EEC418D38EC"
)

// pwned returns a service that answers every range with body.
func pwned(t *testing.T, status int, body string) (*httptest.Server, *[]*http.Request) {
	t.Helper()
	var asked []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s, &asked
}

func mustRange(t *testing.T, cfg policy.RangeConfig) *policy.Range {
	t.Helper()
	c, err := policy.NewRange(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestASVS_6_2_12_TheRangeProtocolFindsStolenPasswords(t *testing.T) {
	for _, row := range []struct {
		name, body string
		found      bool
	}{
		{"the last line", otherRest + ":1\r\n" + stolenRest + ":9545824", true},
		{"the first line", stolenRest + ":3\r\n" + otherRest + ":1\r\n", true},
		{"in lower case, with newlines alone", strings.ToLower(stolenRest) + ":3\n", true},
		{"not there", otherRest + ":1\r\n", false},
		{"there as padding", otherRest + ":1\r\n" + stolenRest + ":0\r\n", false},
	} {
		service, asked := pwned(t, 200, row.body)
		found, err := mustRange(t, policy.RangeConfig{URL: service.URL + "/range/", UserAgent: "shop"}).Breached(t.Context(), stolenPassword)
		if err != nil || found != row.found {
			t.Errorf("%s: got %v, %v, want %v", row.name, found, err, row.found)
		}
		r := (*asked)[0]
		if len(*asked) != 1 || r.URL.Path != "/range/5BAA6" || r.Header.Get("Add-Padding") != "true" || r.UserAgent() != "shop" {
			t.Errorf("%s: it asked %d times, first for %s with %v, want /range/5BAA6 with padding once", row.name, len(*asked), r.URL, r.Header)
		}
	}
}

// TestABreachServiceThatFailsFailsClosed, or open if the application chose that. Neither the error nor the
// log contains a part of the hash.
func TestABreachServiceThatFailsFailsClosed(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() {
		close(release)
		silent.Close()
	})
	answer := func(status int, body string) string {
		s, _ := pwned(t, status, body)
		return s.URL
	}
	for _, row := range []struct{ name, url string }{
		{"nobody listens", down.URL},
		{"no answer in time", silent.URL},
		{"an error", answer(503, "")},
		{"too many requests", answer(429, "")},
		{"a redirect", answer(302, "")},
		{"a page", answer(200, "<html>please log in</html>")},
		{"nothing", answer(200, "")},
		{"a count that is none", answer(200, stolenRest+":many\r\n")},
		{"a hash that is too short", answer(200, stolenRest[1:]+":1\r\n")},
		{"no end", answer(200, strings.Repeat(otherRest+":1\r\n", 40_000))},
		{"one endless line", answer(200, strings.Repeat("0", 2_000_000))},
	} {
		cfg := policy.RangeConfig{URL: row.url + "/", Timeout: 100 * time.Millisecond}
		if row.name == "no end" || row.name == "one endless line" {
			cfg.Timeout = 10 * time.Second
		}
		found, err := mustRange(t, cfg).Breached(t.Context(), stolenPassword)
		if err == nil || found || strings.Contains(err.Error(), "5BAA6") {
			t.Errorf("%s: got %v, %v, want an outage without the digits", row.name, found, err)
		}
		var log bytes.Buffer
		cfg.FailOpen, cfg.Logger = true, slog.New(slog.NewTextHandler(&log, nil))
		found, err = mustRange(t, cfg).Breached(t.Context(), stolenPassword)
		if err != nil || found || strings.Count(log.String(), "unchecked") != 1 || strings.Contains(log.String(), "5BAA6") {
			t.Errorf("%s, fail open: got %v, %v and the log %q, want it to pass with one line", row.name, found, err, log.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mustRange(t, policy.RangeConfig{URL: down.URL + "/", FailOpen: true}).Breached(ctx, stolenPassword); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that has ended: got %v, want its error", err)
	}
}

func TestNewRangeNamesEveryMistake(t *testing.T) {
	for _, row := range []struct {
		cfg  policy.RangeConfig
		want string
	}{
		{policy.RangeConfig{URL: "http://breaches.example/range/"}, "use https"},
		{policy.RangeConfig{URL: "https://breaches.example/range"}, "slash at the end"},
		{policy.RangeConfig{URL: "breaches.example/"}, "give the address"},
		{policy.RangeConfig{URL: "https://joe:x@breaches.example/"}, "give the address"},
		{policy.RangeConfig{URL: "https://breaches.example/?range="}, "give the address"},
		{policy.RangeConfig{Timeout: time.Hour}, "Timeout is 1h"},
		{policy.RangeConfig{Timeout: 2}, "Timeout is 2ns"},
	} {
		if _, err := policy.NewRange(row.cfg); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: got %v, want %q in it", row.cfg, err, row.want)
		}
	}
	if _, err := policy.NewRange(policy.RangeConfig{}); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}
