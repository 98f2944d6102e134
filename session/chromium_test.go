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

// TestS8_ChromiumForgetsEveryCookieThatWasEverSet: an application moves its cookie, the browser
// keeps all that it got on the way, and one log-out under the last configuration ends it.
func TestS8_ChromiumForgetsEveryCookieThatWasEverSet(t *testing.T) {
	codec := session.SecureCookie(secret)
	for _, row := range []struct {
		name  string
		moves []session.Accept // the last one is the primary
	}{
		{"from the host to a domain", []session.Accept{{}, {Domain: "app.example"}}},
		{"to a cookie of each partition", []session.Accept{{}, {Partitioned: true}}},
		{"all over the place", []session.Accept{{Domain: "app.example"}, {Path: "/shop"}, {Partitioned: true}, {Domain: "app.example", Partitioned: true}, {}}},
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
				await fetch("/out%s"); // outside of /shop: the browser does not send all that it has
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
