package guard_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// TestABrowserIsNamedForPeople: the headers are those that the browsers sent in 2026.
func TestABrowserIsNamedForPeople(t *testing.T) {
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                           "Firefox on Windows",
		"Mozilla/5.0 (X11; Linux x86_64)" + webkit + "Chrome/142.0.0.0 Safari/537.36":                                                                "Chrome on Linux",
		"Mozilla/5.0 (Linux; Android 10; K)" + webkit + "Chrome/142.0.0.0 Mobile Safari/537.36":                                                      "Chrome on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":                                        "Edge on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/142.0.0.0 Safari/537.36 OPR/124.0.0.0":                                        "Opera on Windows",
		"Mozilla/5.0 (Linux; Android 10; K)" + webkit + "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36":                                  "Samsung Internet on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + "Chrome/142.0.0.0 Safari/537.36":                                                       "Chrome on ChromeOS",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15":                      "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1":    "Safari on iPhone",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15":           "Firefox on iPad",
		"Firefox/145.0": "Firefox",
		"curl/8.5.0":    "",
		"a Linux tool":  "",
		"":              "",
	} {
		if got := (guard.Device{Name: agent}).Browser(); got != want {
			t.Errorf("%s: got %q, want %q", agent, got, want)
		}
	}
}
