package main

// Embedded returns the URL of an embedded Redis, and what closes it.
var Embedded = embedded
