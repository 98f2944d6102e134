package strategy

import (
	"errors"
	"fmt"
	"reflect"
)

// IsNilUser reports whether u is nil: a nil pointer, map, slice, function, channel or
// interface, also inside a non-nil interface. A struct, a number or a string is always
// a user. In Node done(null, null) is a failure.
func IsNilUser[U any](u U) bool {
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

// ErrNilUser is the error of a strategy that returned a nil user and no error: a
// mistake of the program. Guards answer 500.
var ErrNilUser = errors.New("strategy: a nil user without an error: return an error that wraps ErrUnauthenticated to refuse")

// CheckUser returns user, or an error that wraps [ErrNilUser] if user is nil
// ([IsNilUser]). A strategy that gets its user from a function of the application returns
// its result. name is the strategy's.
func CheckUser[U any](name string, user U) (U, error) {
	if IsNilUser(user) {
		var nobody U
		return nobody, fmt.Errorf("strategy: %s: %w", name, ErrNilUser)
	}
	return user, nil
}
