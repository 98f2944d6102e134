package throttle

import "net/netip"

// network returns what one subscriber holds: an IPv4 address, or the /64 of an IPv6
// address, within which anybody has 2^64 of them.
func network(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // the bits are in range
	return prefix
}
