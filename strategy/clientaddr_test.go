package strategy_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
)

func TestClientAddrBelievesTrustedProxiesOnly(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, row := range []struct {
		name, peer string
		forwarded  []string
		trusted    []netip.Prefix
		want       string
	}{
		{"no proxy", "192.0.2.1:80", nil, nil, "192.0.2.1"},
		{"a header without trusted proxies", "10.0.0.1:80", []string{"192.0.2.1"}, nil, "10.0.0.1"},
		{"a header from a stranger", "192.0.2.1:80", []string{"198.51.100.1"}, proxies, "192.0.2.1"},
		{"one proxy", "10.0.0.1:80", []string{"192.0.2.1"}, proxies, "192.0.2.1"},
		{"what the client wrote in front", "10.0.0.1:80", []string{"198.51.100.1, 192.0.2.1"}, proxies, "192.0.2.1"},
		{"a trusted address that the client wrote in front", "10.0.0.1:80", []string{"10.9.9.9,192.0.2.1"}, proxies, "192.0.2.1"},
		{"two proxies", "10.0.0.1:80", []string{"192.0.2.1, 10.0.0.2"}, proxies, "192.0.2.1"},
		{"two headers", "10.0.0.1:80", []string{"198.51.100.1", "192.0.2.1, fd00::2"}, proxies, "192.0.2.1"},
		{"nothing but proxies", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, proxies, "10.0.0.3"},
		{"a proxy without a header", "10.0.0.1:80", nil, proxies, "10.0.0.1"},
		{"an entry that is no address", "10.0.0.1:80", []string{"192.0.2.1, unknown, 10.0.0.2"}, proxies, "10.0.0.2"},
		{"an empty entry", "10.0.0.1:80", []string{"192.0.2.1,"}, proxies, "10.0.0.1"},
		{"entries with ports", "10.0.0.1:80", []string{"192.0.2.1:4711"}, proxies, "192.0.2.1"},
		{"IPv6 with a port", "[fd00::1]:80", []string{"[2001:db8::1]:4711"}, proxies, "2001:db8::1"},
		{"IPv6 in brackets", "[fd00::1]:80", []string{"[2001:db8::1]"}, proxies, "2001:db8::1"},
		{"IPv6 with a zone", "[fe80::1%eth0]:80", nil, nil, "fe80::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:192.0.2.1"}, proxies, "192.0.2.1"},
		{"a Unix socket", "@", nil, nil, "127.0.0.1"},
		{"a trusted Unix socket", "@", []string{"192.0.2.1"}, proxies, "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = row.peer
		r.Header["X-Forwarded-For"] = row.forwarded
		if got := strategy.ClientAddr(r, row.trusted).String(); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("10.0.0.1:80", "192.0.2.1, 10.0.0.2")
	f.Add("@", "[::1]:1")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		addr := strategy.ClientAddr(r, proxies)
		if !addr.IsValid() || addr.Is4In6() || addr.Zone() != "" {
			t.Fatalf("%q, %q: %v", peer, forwarded, addr)
		}
		// What the client adds in front changes nothing once its own address is found.
		r.Header["X-Forwarded-For"] = []string{"198.51.100.7, " + forwarded}
		trusted := proxies[0].Contains(addr) || proxies[1].Contains(addr)
		if again := strategy.ClientAddr(r, proxies); again != addr && !trusted {
			t.Fatalf("%q, %q: %v becomes %v by one more entry in front", peer, forwarded, addr, again)
		}
	})
}
