// Package archtest keeps the shape of the project: which package may know which, how
// long a file may grow, what the core module requires, and that every exported name
// is documented. It has tests only.
package archtest
