package sqlstore

// Plain is for tests.
var Plain = plain

// PackText and UnpackText are how a record becomes a text of Node's table, and the reverse.
var PackText, UnpackText = packText, unpackText
