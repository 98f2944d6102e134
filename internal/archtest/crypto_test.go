package archtest

import (
	"go/ast"
	"slices"
	"strconv"
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

// TestASVS_11_2_4_SecretsAreComparedInConstantTime wherever a client's text meets one.
func TestASVS_11_2_4_SecretsAreComparedInConstantTime(t *testing.T) {
	left := []string{"internal/cookies/express.go", "internal/cookies/securecookie.go", "strategy/password/argon2id.go", "strategy/totp/codes.go", "strategy/apikey/strategy.go", "strategy/internal/rotating/pair.go", "guard/restore.go"}
	_, files := sources(t)
	for _, f := range files {
		i := slices.Index(left, f.path)
		if i < 0 {
			continue
		}
		left = slices.Delete(left, i, i+1)
		calls := f.calls()
		if !slices.Contains(calls, "subtle.ConstantTimeCompare") {
			t.Errorf("%s calls no subtle.ConstantTimeCompare", f.path)
		}
		for _, short := range []string{"bytes.Equal", "bytes.Compare", "slices.Equal", "strings.EqualFold"} {
			if slices.Contains(calls, short) {
				t.Errorf("%s calls %s, which stops at the first difference", f.path, short)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("%v are gone: name the files that compare now", left)
	}
}

// TestASVS_11_4_1_NoBrokenHashIsUsed, but SHA-1 in HMAC for authenticator apps and in lists of stolen passwords, and no
// random number but the system's, except for the pause between two attempts to save.
func TestASVS_11_4_1_NoBrokenHashIsUsed(t *testing.T) {
	allowed := map[string]string{"strategy/totp/codes.go": "crypto/sha1", "strategy/password/policy/breach.go": "crypto/sha1", "internal/protocol/retry.go": "math/rand/v2"}
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
