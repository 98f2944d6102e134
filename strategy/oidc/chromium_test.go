//go:build integration

package oidc_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestChromium(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("install Debian's package chromium: %v", err)
	}
	s := newShop(t)
	op := startCertified(t, "0", s.url)
	s.open(op)
	run := func(t *testing.T, job map[string]any) (got struct {
		URL, Text, After string
		Cookies          []string
	}) {
		t.Helper()
		job["chromium"] = chromium
		arg, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		cmd := node(t, scriptLimit, "browser.mjs", string(arg))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s; log: %s; provider: %s", err, &stderr, s.log, op.log)
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return got
	}
	for _, client := range []string{"rsa", "form"} {
		t.Run(client, func(t *testing.T) {
			got := run(t, map[string]any{"start": s.url + "/?with=" + client, "login": "jen", "logout": client == "rsa"})
			if got.URL != s.url+"/?with="+client || !strings.Contains(got.Text, "hello jen") || !slices.Equal(got.Cookies, []string{"sid"}) {
				t.Errorf("got %+v, want Jen on the page that she asked for, with a session and no other cookie; log: %s", got, s.log)
			}
			if client == "rsa" && !strings.Contains(got.After, "hello nobody") {
				t.Errorf("got %q after the log-out, want nobody", got.After)
			}
		})
	}
	t.Run("the user says no", func(t *testing.T) {
		got := run(t, map[string]any{"start": s.url + "/?with=rsa", "login": "jen", "cancel": true})
		if !strings.Contains(got.Text, "Unauthorized") || len(got.Cookies) != 0 {
			t.Errorf("got %+v, want a refusal and no cookie", got)
		}
	})
}
