package archtest

import (
	"go/ast"
	"go/printer"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// calls returns the functions of other packages that f calls, such as "bytes.Equal".
func (f *file) calls() (names []string) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok {
					names = append(names, pkg.Name+"."+sel.Sel.Name)
				}
			}
		}
		return true
	})
	return names
}

// comparisons returns the text of every == and != in f that may stop at the first difference between two
// strings, and of every switch over a value: neither side is a literal or nil, or the result of a function
// that returns a number.
func (f *file) comparisons(fset *token.FileSet) (list []string) {
	text := func(n ast.Node) string {
		var b strings.Builder
		_ = printer.Fprint(&b, fset, n)
		return b.String()
	}
	harmless := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.BasicLit:
			return true
		case *ast.Ident:
			return e.Name == "nil" || e.Name == "true" || e.Name == "false"
		case *ast.CallExpr:
			return slices.Contains([]string{"len", "subtle.ConstantTimeCompare", "strings.IndexByte"}, text(e.Fun))
		}
		return false
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && !harmless(n.X) && !harmless(n.Y) {
				list = append(list, text(n))
			}
		case *ast.SwitchStmt:
			if n.Tag != nil {
				list = append(list, "switch "+text(n.Tag))
			}
		}
		return true
	})
	return list
}

// comparing are the files that compare secrets, each with its comparisons that may stop at the first
// difference because they compare no secret.
var comparing = map[string][]string{
	"internal/cookies/express.go": {
		"value[start:end] == string(raw)", // both were sent by the client
		"plain[dot] != '.'",               // searches the signature
	},
	"internal/cookies/securecookie.go":   nil,
	"internal/devicebound/seal.go":       {`b == ""`, "len(value) != len(text)", "n != proofBytes", "len(raw) != challengeBytes"}, // lengths
	"strategy/password/argon2id.go":      {"strconv.FormatUint(n, 10) == digits"},                                                 // a parameter
	"strategy/totp/codes.go":             {"switch h"},                                                                            // the name of a hash
	"strategy/apikey/strategy.go":        {"text.Prefix != s.cfg.Prefix"},                                                         // the visible part
	"strategy/onetime/links.go":          {"base64.RawURLEncoding.EncodeToString(b) != sent[random:]", "m.Address == text"},       // addresses
	"strategy/internal/rotating/pair.go": nil,
	"strategy/internal/signed/signed.go": nil,
	"guard/restore.go":                   {"g.evidence(st).state != proved"}, // how the user was found
}

// TestASVS_11_2_4_SecretsAreComparedInConstantTime with what a client sends.
func TestASVS_11_2_4_SecretsAreComparedInConstantTime(t *testing.T) {
	fset, files := sources(t)
	found := 0
	for _, f := range files {
		allowed, ok := comparing[f.path]
		calls := f.calls()
		if compares := !f.test && !tool(f.pkg) && slices.Contains(calls, "subtle.ConstantTimeCompare"); compares != ok {
			t.Errorf("%s compares secrets: %t, but in the list of such files: %t", f.path, compares, ok)
		}
		if !ok {
			continue
		}
		found++
		for _, short := range []string{"bytes.Equal", "bytes.Compare", "bytes.HasPrefix", "slices.Equal", "strings.EqualFold", "strings.Compare", "reflect.DeepEqual"} {
			if slices.Contains(calls, short) {
				t.Errorf("%s calls %s, which stops at the first difference", f.path, short)
			}
		}
		for _, c := range f.comparisons(fset) {
			if !slices.Contains(allowed, c) {
				t.Errorf("%s has %q, which stops at the first difference: use subtle.ConstantTimeCompare, or list it if no secret is compared", f.path, c)
			}
		}
	}
	if found != len(comparing) {
		t.Errorf("found %d of the %d files that compare secrets: update the list", found, len(comparing))
	}
}

// TestASVS_11_4_1_NoBrokenHashIsUsed, except SHA-1 in HMAC for authenticator apps and in lists of stolen
// passwords; and no random numbers except the system's, other than for pauses: between two attempts to
// save, and of the upkeep of SQL stores.
func TestASVS_11_4_1_NoBrokenHashIsUsed(t *testing.T) {
	allowed := map[string]string{"strategy/totp/codes.go": "crypto/sha1", "strategy/password/policy/breach.go": "crypto/sha1", "internal/protocol/retry.go": "math/rand/v2", "store/sqlstore/pause.go": "math/rand/v2"}
	_, files := sources(t)
	for _, f := range files {
		if f.test || tool(f.pkg) {
			continue
		}
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			weak := []string{"crypto/md5", "crypto/sha1", "crypto/des", "crypto/rc4", "math/rand", "math/rand/v2", "golang.org/x/crypto/md4", "golang.org/x/crypto/ripemd160"}
			if slices.Contains(weak, path) && allowed[f.path] != path {
				t.Errorf("%s imports %s", f.path, path)
			}
		}
	}
}
