package session_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

func TestCodecShowsNoSecret(t *testing.T) {
	for name, c := range map[string]session.Codec{
		"SecureCookie": session.SecureCookie(secret, "another "+secret), "Express": session.Express(secret, "another "+secret), "InsecureExpress": session.InsecureExpress(secret),
	} {
		open(t, newManager(t, newScripted(), func(cfg *session.Config) { cfg.Codec = c })).Get(path("set k v")).Want(t, 200, "") // so that its pool has a keyed state
		var shown strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", c)
			fmt.Fprintf(&shown, verb+"\n", struct{ Codec session.Codec }{c})
		}
		slog.New(slog.NewTextHandler(&shown, nil)).Info("config", "codec", c)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("config", "codec", c)
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
		for _, part := range []string{secret[:8], fmt.Sprintf("%x", secret[:8]), strings.Trim(fmt.Sprint([]byte(secret[:8])), "[]")} {
			if strings.Contains(shown.String(), part) {
				t.Errorf("printing %s shows %q:\n%s", name, part, shown.String())
			}
		}
	}
}
