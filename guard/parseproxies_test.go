package guard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

func TestParseProxies(t *testing.T) {
	for _, row := range []struct {
		name, list, want string // want is "" for an error
	}{
		{"nothing", "", "[]"},
		{"space alone", " ", "[]"},
		{"an address", "192.0.2.7", "[192.0.2.7/32]"},
		{"an address of IPv6", "2001:db8::1", "[2001:db8::1/128]"},
		{"prefixes and addresses", "10.0.0.0/8, 192.0.2.7 ,fd00::/8", "[10.0.0.0/8 192.0.2.7/32 fd00::/8]"},
		{"a name", "proxy.example", ""},
		{"a comma at the end", "192.0.2.7,", ""},
		{"an address with a port", "192.0.2.7:80", ""},
		{"a prefix that is too long", "192.0.2.7/33", ""},
	} {
		got, err := guard.ParseProxies(row.list)
		if row.want == "" {
			if err == nil || !strings.Contains(err.Error(), "neither an address nor a prefix") {
				t.Errorf("%s: got %v, %v, want an error", row.name, got, err)
			}
		} else if err != nil || fmt.Sprint(got) != row.want {
			t.Errorf("%s: got %v, %v, want %s", row.name, got, err, row.want)
		}
	}
}
