package sessiontest

import "github.com/seed-6f34412b/passport/session"

// abilities is the set of a store's optional interfaces, one bit each.
type abilities uint8

const (
	canEnder abilities = 1 << iota
	canIndex
	canIterator
	canAuthoritative
	canBatch
)

// abilitiesOf returns the abilities of s.
func abilitiesOf(s session.Store) (set abilities) {
	if _, ok := s.(session.Ender); ok {
		set |= canEnder
	}
	if _, ok := s.(session.Index); ok {
		set |= canIndex
	}
	if _, ok := s.(session.Iterator); ok {
		set |= canIterator
	}
	if _, ok := s.(session.PrimaryReader); ok {
		set |= canAuthoritative
	}
	if _, ok := s.(session.Batch); ok {
		set |= canBatch
	}
	return set
}

// all is a store with every ability.
type all interface {
	session.Store
	session.Ender
	session.Index
	session.Iterator
	session.PrimaryReader
	session.Batch
	session.ChangeNotifier
}

// telling is a store that is also a ChangeNotifier. Every store behind a [Gate] is; if the inner store is
// not, Listen and Notify return errors.ErrUnsupported.
type telling interface {
	session.Store
	session.ChangeNotifier
}

// only returns s with only the abilities in set. Go cannot choose the methods of a value at run time, so
// there is a type for each set; TestAStoreOfEverySetOfAbilities tests all of them.
func only(s all, set abilities) session.Store {
	switch set {
	case canEnder:
		return struct {
			telling
			session.Ender
		}{s, s}
	case canIndex:
		return struct {
			telling
			session.Index
		}{s, s}
	case canEnder | canIndex:
		return struct {
			telling
			session.Ender
			session.Index
		}{s, s, s}
	case canIterator:
		return struct {
			telling
			session.Iterator
		}{s, s}
	case canEnder | canIterator:
		return struct {
			telling
			session.Ender
			session.Iterator
		}{s, s, s}
	case canIndex | canIterator:
		return struct {
			telling
			session.Index
			session.Iterator
		}{s, s, s}
	case canEnder | canIndex | canIterator:
		return struct {
			telling
			session.Ender
			session.Index
			session.Iterator
		}{s, s, s, s}
	case canAuthoritative:
		return struct {
			telling
			session.PrimaryReader
		}{s, s}
	case canEnder | canAuthoritative:
		return struct {
			telling
			session.Ender
			session.PrimaryReader
		}{s, s, s}
	case canIndex | canAuthoritative:
		return struct {
			telling
			session.Index
			session.PrimaryReader
		}{s, s, s}
	case canEnder | canIndex | canAuthoritative:
		return struct {
			telling
			session.Ender
			session.Index
			session.PrimaryReader
		}{s, s, s, s}
	case canIterator | canAuthoritative:
		return struct {
			telling
			session.Iterator
			session.PrimaryReader
		}{s, s, s}
	case canEnder | canIterator | canAuthoritative:
		return struct {
			telling
			session.Ender
			session.Iterator
			session.PrimaryReader
		}{s, s, s, s}
	case canIndex | canIterator | canAuthoritative:
		return struct {
			telling
			session.Index
			session.Iterator
			session.PrimaryReader
		}{s, s, s, s}
	case canEnder | canIndex | canIterator | canAuthoritative:
		return struct {
			telling
			session.Ender
			session.Index
			session.Iterator
			session.PrimaryReader
		}{s, s, s, s, s}
	case canBatch:
		return struct {
			telling
			session.Batch
		}{s, s}
	case canEnder | canBatch:
		return struct {
			telling
			session.Ender
			session.Batch
		}{s, s, s}
	case canIndex | canBatch:
		return struct {
			telling
			session.Index
			session.Batch
		}{s, s, s}
	case canEnder | canIndex | canBatch:
		return struct {
			telling
			session.Ender
			session.Index
			session.Batch
		}{s, s, s, s}
	case canIterator | canBatch:
		return struct {
			telling
			session.Iterator
			session.Batch
		}{s, s, s}
	case canEnder | canIterator | canBatch:
		return struct {
			telling
			session.Ender
			session.Iterator
			session.Batch
		}{s, s, s, s}
	case canIndex | canIterator | canBatch:
		return struct {
			telling
			session.Index
			session.Iterator
			session.Batch
		}{s, s, s, s}
	case canEnder | canIndex | canIterator | canBatch:
		return struct {
			telling
			session.Ender
			session.Index
			session.Iterator
			session.Batch
		}{s, s, s, s, s}
	case canAuthoritative | canBatch:
		return struct {
			telling
			session.PrimaryReader
			session.Batch
		}{s, s, s}
	case canEnder | canAuthoritative | canBatch:
		return struct {
			telling
			session.Ender
			session.PrimaryReader
			session.Batch
		}{s, s, s, s}
	case canIndex | canAuthoritative | canBatch:
		return struct {
			telling
			session.Index
			session.PrimaryReader
			session.Batch
		}{s, s, s, s}
	case canEnder | canIndex | canAuthoritative | canBatch:
		return struct {
			telling
			session.Ender
			session.Index
			session.PrimaryReader
			session.Batch
		}{s, s, s, s, s}
	case canIterator | canAuthoritative | canBatch:
		return struct {
			telling
			session.Iterator
			session.PrimaryReader
			session.Batch
		}{s, s, s, s}
	case canEnder | canIterator | canAuthoritative | canBatch:
		return struct {
			telling
			session.Ender
			session.Iterator
			session.PrimaryReader
			session.Batch
		}{s, s, s, s, s}
	case canIndex | canIterator | canAuthoritative | canBatch:
		return struct {
			telling
			session.Index
			session.Iterator
			session.PrimaryReader
			session.Batch
		}{s, s, s, s, s}
	case canEnder | canIndex | canIterator | canAuthoritative | canBatch:
		return struct {
			telling
			session.Ender
			session.Index
			session.Iterator
			session.PrimaryReader
			session.Batch
		}{s, s, s, s, s, s}
	}
	return struct{ telling }{s}
}
