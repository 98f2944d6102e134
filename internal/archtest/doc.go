// Package archtest checks the structure of the project: which package may import which, how long files are,
// what the core module requires, and that every exported name is documented. It has tests only.
package archtest
