//go:build integration

package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

func TestEveryAttackOnTheExampleIsRefused(t *testing.T) {
	var out strings.Builder
	err := run(&out, "")
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "NOT REFUSED") {
		t.Error("an attack succeeded, but the program did not fail")
	}
}

// TestEveryFlagOfTheExampleIsAttacked, except the one for the address.
func TestEveryFlagOfTheExampleIsAttacked(t *testing.T) {
	dir := t.TempDir()
	program, err := build(dir)
	if err != nil {
		t.Fatal(err)
	}
	help, _ := subprocess.Command(t, time.Minute, program, "-h").CombinedOutput() // -h exits with an error
	flags := regexp.MustCompile(`(?m)^  (-[a-z-]+)`).FindAllSubmatch(help, -1)
	list, err := settings(dir, miniredis.RunT(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flags {
		if name := string(f[1]); name != "-addr" && !slices.ContainsFunc(list, func(s setting) bool { return slices.Contains(s.flags, name) }) {
			t.Errorf("no setting uses %s", name)
		}
	}
	if len(flags) < 9 {
		t.Errorf("got the flags %q, want all: %s", flags, help)
	}
}

// TestAnOpenDoorIsNoticed: a server that lets everyone in fails every attack that applies to it.
func TestAnOpenDoorIsNoticed(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth/login" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "fixed"})
		}
		_, _ = w.Write([]byte("You can only see this if you are authenticated"))
	}))
	defer open.Close()
	for _, a := range attacks {
		bad := 0
		_, err := a.try(newClient(open.URL, 2), func(_ string, refused bool) {
			if !refused {
				bad++
			}
		})
		if bad == 0 && err == nil && !strings.HasPrefix(a.name, "enumeration") && a.name != "header injection" {
			t.Errorf("%s: no try was reported as accepted", a.name)
		}
	}
}

// TestAServerWithoutABoundIsNoticed: it registers all accounts, and answers the log-ins only afterwards.
func TestAServerWithoutABoundIsNoticed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth/register" {
			w.WriteHeader(http.StatusCreated)
		}
	}))
	defer server.Close()
	bad := 0
	_, err := starving(newClient(server.URL, 2), func(_ string, refused bool) {
		if !refused {
			bad++
		}
	})
	if bad != 1 || err != nil {
		t.Errorf("got %d reports and the error %v, want one report", bad, err)
	}
}
