//go:build integration

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEveryAttackOnTheExampleIsRefused(t *testing.T) {
	var out strings.Builder
	err := run(&out, "")
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "NOT REFUSED") {
		t.Error("an attack succeeded, and the program did not fail")
	}
}

// TestAnOpenDoorIsNoticed: a server that lets everyone in fails every attack that it can.
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
			t.Errorf("%s: nothing noticed", a.name)
		}
	}
}
