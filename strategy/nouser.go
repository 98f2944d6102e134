package strategy

import (
	"errors"
	"fmt"
	"reflect"
)

// NoUser reports whether u is nobody: a nil pointer, map, slice, function, channel
// or interface, also one that lies in a non-nil interface. A struct, a number or a
// string is always somebody. Node takes done(null, null) for a failure.
func NoUser[U any](u U) bool {
	switch reflect.TypeFor[U]().Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
	default:
		return false
	}
	v := reflect.ValueOf(u)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return v.IsNil()
	}
	return false
}

// ErrNilUser is the error of a strategy that found a user who is nobody: a mistake of
// the program. Guards answer 500.
var ErrNilUser = errors.New("strategy: a nil user without an error: return an error that wraps ErrUnauthenticated to refuse")

// CheckUser returns user, or an error that wraps [ErrNilUser] when user is nobody:
// how a strategy ends that took its user from a function of the application. name is
// the strategy's.
func CheckUser[U any](name string, user U) (U, error) {
	if NoUser(user) {
		var nobody U
		return nobody, fmt.Errorf("strategy: %s: %w", name, ErrNilUser)
	}
	return user, nil
}
