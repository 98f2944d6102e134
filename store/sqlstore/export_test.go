package sqlstore

// Plain is for tests.
var Plain = plain
