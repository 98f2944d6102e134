package sqlstore

// Plain is for tests.
var Plain = plain

// PackText returns the text of a record in Node's table; UnpackText is the reverse.
var PackText, UnpackText = packText, unpackText
