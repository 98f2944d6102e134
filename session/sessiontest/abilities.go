package sessiontest

import "github.com/seed-6f34412b/passport/session"

// Store returns the store to give to the code under test. It has exactly the
// abilities of the store behind the gate.
func (g *Gate) Store() session.Store {
	s := gated{g}
	_, ender := g.inner.(session.Ender)
	_, index := g.inner.(session.Index)
	_, iterator := g.inner.(session.Iterator)
	_, master := g.inner.(session.Authoritative)
	type abilities struct{ ender, index, iterator, master bool }
	switch (abilities{ender, index, iterator, master}) {
	case abilities{true, true, true, true}:
		return struct {
			session.Store
			session.Ender
			session.Index
			session.Iterator
			session.Authoritative
		}{s, s, s, s, s}
	case abilities{true, true, true, false}:
		return struct {
			session.Store
			session.Ender
			session.Index
			session.Iterator
		}{s, s, s, s}
	case abilities{true, true, false, true}:
		return struct {
			session.Store
			session.Ender
			session.Index
			session.Authoritative
		}{s, s, s, s}
	case abilities{true, true, false, false}:
		return struct {
			session.Store
			session.Ender
			session.Index
		}{s, s, s}
	case abilities{true, false, true, true}:
		return struct {
			session.Store
			session.Ender
			session.Iterator
			session.Authoritative
		}{s, s, s, s}
	case abilities{true, false, true, false}:
		return struct {
			session.Store
			session.Ender
			session.Iterator
		}{s, s, s}
	case abilities{true, false, false, true}:
		return struct {
			session.Store
			session.Ender
			session.Authoritative
		}{s, s, s}
	case abilities{true, false, false, false}:
		return struct {
			session.Store
			session.Ender
		}{s, s}
	case abilities{false, true, true, true}:
		return struct {
			session.Store
			session.Index
			session.Iterator
			session.Authoritative
		}{s, s, s, s}
	case abilities{false, true, true, false}:
		return struct {
			session.Store
			session.Index
			session.Iterator
		}{s, s, s}
	case abilities{false, true, false, true}:
		return struct {
			session.Store
			session.Index
			session.Authoritative
		}{s, s, s}
	case abilities{false, true, false, false}:
		return struct {
			session.Store
			session.Index
		}{s, s}
	case abilities{false, false, true, true}:
		return struct {
			session.Store
			session.Iterator
			session.Authoritative
		}{s, s, s}
	case abilities{false, false, true, false}:
		return struct {
			session.Store
			session.Iterator
		}{s, s}
	case abilities{false, false, false, true}:
		return struct {
			session.Store
			session.Authoritative
		}{s, s}
	}
	return struct{ session.Store }{s}
}
