//go:build integration

package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/chromium"
	"github.com/seed-6f34412b/passport/session"
)

// TestS8_ChromiumForgetsEveryCookieThatWasEverSet: an application moves its cookie several times, the
// browser keeps every one, and one log-out under the last configuration ends all of them.
func TestS8_ChromiumForgetsEveryCookieThatWasEverSet(t *testing.T) {
	codec := session.SecureCookie(secret)
	for _, row := range []struct {
		name  string
		moves []session.Accept // the last one is the primary
	}{
		{"from the host to a domain", []session.Accept{{}, {Domain: "app.example"}}},
		{"to a cookie of each partition", []session.Accept{{}, {Partitioned: true}}},
		{"through all of them", []session.Accept{{Domain: "app.example"}, {Path: "/shop"}, {Partitioned: true}, {Domain: "app.example", Partitioned: true}, {}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			mux := http.NewServeMux()
			for i, a := range row.moves {
				m := newManager(t, st, func(c *session.Config) {
					c.Name, c.Codec, c.SameSite = "sid", codec, http.SameSiteNoneMode
					c.Domain, c.Path, c.Partitioned = a.Domain, a.Path, a.Partitioned
					if i == len(row.moves)-1 {
						for _, old := range row.moves[:i] {
							old.Name, old.Codec = "sid", codec
							c.AlsoAccept = append(c.AlsoAccept, old)
						}
					}
				})
				mux.Handle(fmt.Sprintf("/shop/%d/", i), app(m))
				if i == len(row.moves)-1 {
					mux.Handle("/out/", app(m))
				}
			}
			mux.HandleFunc("/shop/sent", func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, strings.Count(r.Header.Get("Cookie"), "sid="))
			})

			var script strings.Builder
			for i := range row.moves {
				fmt.Fprintf(&script, "await fetch('/shop/%d%s');\n", i, path("login 1"))
			}
			fmt.Fprintf(&script, `const sent = async () => Number(await (await fetch("/shop/sent")).text());
				const before = await sent();
				await fetch("/out%s"); // outside /shop: the browser does not send all its cookies
				return [before, await sent()];`, path("logout"))
			var got []int
			if err := json.Unmarshal(chromium.Run(t, mux, script.String()), &got); err != nil {
				t.Fatal(err)
			}
			if want := []int{len(row.moves), 0}; !slices.Equal(got, want) || len(st.ids()) != 0 {
				t.Errorf("got %v cookies before and after the log-out and %d records, want %v and none", got, len(st.ids()), want)
			}
		})
	}
}

// TestS13_ChromiumKeepsTheSessionThatAnotherSitesRequestDoesNotBring: a payment provider's form, or under
// Strict a link, leads to a page that stores something.
func TestS13_ChromiumKeepsTheSessionThatAnotherSitesRequestDoesNotBring(t *testing.T) {
	for _, row := range []struct {
		name  string
		mode  http.SameSite
		leave string // the page of the other site
		to    string // the page to which it leads
		want  string // the number of cookies received, and afterwards the log-in and the flash messages
	}{
		{"a form, Lax", http.SameSiteLaxMode, "/form", "/paid", `0, logged in, []`},
		{"a form that is answered by 303, Lax", http.SameSiteLaxMode, "/form", "/onward", `1, logged in, ["paid"]`},
		{"a link, Lax", http.SameSiteLaxMode, "/link", "/paid", `1, logged in, ["paid"]`},
		{"a form, Strict", http.SameSiteStrictMode, "/form", "/paid", `0, logged in, []`},
		{"a link, Strict", http.SameSiteStrictMode, "/link", "/paid", `0, logged in, []`},
		{"a form, None", http.SameSiteNoneMode, "/form", "/paid", `1, logged in, ["paid"]`},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newManager(t, newScripted(), func(c *session.Config) { c.SameSite = row.mode })
			mux := http.NewServeMux()
			mux.Handle("/in", app(m))
			html := func(w http.ResponseWriter, format string, args ...any) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprintf(w, format, args...)
			}
			mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
				html(w, `<form method="post" action="https://app.example%s"></form><script>document.forms[0].submit()</script>`, r.FormValue("to"))
			})
			mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
				html(w, `<a href="https://app.example%s">back</a><script>document.links[0].click()</script>`, r.FormValue("to"))
			})
			mux.Handle("/onward", http.RedirectHandler("/paid", http.StatusSeeOther))
			mux.Handle("/paid", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Sec-Fetch-Site") != "cross-site" {
					t.Errorf("%s: Sec-Fetch-Site is %q", r.Method, r.Header.Get("Sec-Fetch-Site"))
				}
				if err := do(r.Context(), m, "flash paid"); err != nil {
					t.Error(err)
				}
				html(w, `<script>fetch("/seen").then(r => r.text()).then(text => fetch("/-/answer", {method: "POST", body: JSON.stringify(%d + text)}))</script>`,
					strings.Count(r.Header.Get("Cookie"), cookieName))
			})))
			mux.Handle("/seen", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.Session(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				list, err := s.Flashes("info")
				if err == nil {
					err = do(r.Context(), m, "slot")
				}
				who := "logged in"
				if err != nil {
					who = err.Error()
				}
				fmt.Fprintf(w, ", %s, %q", who, list)
			})))
			script := fmt.Sprintf(`await fetch("/in%s"); location.href = "https://pay.example%s?to=%s"; await new Promise(() => {});`,
				strings.TrimPrefix(path("login 1"), "/"), row.leave, row.to)
			var got string
			if err := json.Unmarshal(chromium.Run(t, mux, script), &got); err != nil {
				t.Fatal(err)
			}
			if got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}
