package throttle

import "net/netip"

// network returns the range of addresses that one subscriber has: an IPv4 address, or the /64 of an IPv6
// address, which contains 2^64 of them.
func network(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // the bits are in range
	return prefix
}
