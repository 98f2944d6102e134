package guard

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseProxies reads addresses of proxies from a flag or the environment, such as "10.0.0.0/8, 192.0.2.7":
// for Config.TrustedProxies, [ClientDevice] and throttle.Config.TrustedProxies. Empty text is none. Express:
// trust proxy.
func ParseProxies(list string) ([]netip.Prefix, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	var proxies []netip.Prefix
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if addr, one := netip.ParseAddr(text); one == nil {
			prefix, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("guard: parse proxies: %q is neither an address nor a prefix: "+
				"give addresses with commas between them, like 10.0.0.0/8,192.0.2.7", text)
		}
		proxies = append(proxies, prefix)
	}
	return proxies, nil
}
