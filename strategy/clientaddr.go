package strategy

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr returns the address of the client that sent r: the peer of the connection
// or, if that is one of trusted, the address for which it forwards. X-Forwarded-For is
// read from right to left, since every proxy appends the address it saw, and what is
// further left may be forged; the first address that is not trusted counts. Without
// trusted proxies the header is ignored. Express: trust proxy, as a list of addresses.
//
// A peer without an address, on a Unix socket, counts as 127.0.0.1. If an entry is not
// an address, the result is that of the proxy that sent it. The result is never the
// zero Addr.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr, ok := parseAddr(r.RemoteAddr)
	if !ok {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if len(trusted) == 0 {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusts(trusted, addr); i-- {
		hop, ok := parseAddr(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		addr = hop
	}
	return addr
}

// parseAddr reads an address with or without a port, such as 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1 and [2001:db8::1]:80. IPv4 in IPv6 becomes IPv4; a zone is dropped.
func parseAddr(s string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(s); err == nil {
		return with.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}

func trusts(trusted []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
