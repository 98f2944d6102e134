package reqstate

// NodeDrops reports whether express-session loses a top-level member of that name. It copies a stored
// member only if the new Session object has no property of that name (session/session.js, Session), such as
// a method of its own or of Object.prototype (ECMA-262 §20.1.3).
func NodeDrops(name string) bool {
	switch name {
	case "req", "id", "touch", "resetMaxAge", "save", "reload", "destroy", "regenerate",
		"constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
		"__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__":
		return true
	}
	return false
}
