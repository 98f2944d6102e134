// Command pack makes a module proxy in a folder from this repository: each module's files as committed, in
// the form in which Go's own proxy serves them.
//
//	go run ./pack v0.1.0 ../.. /tmp/proxy github.com/seed-6f34412b/passport github.com/seed-6f34412b/passport/strategy/jwt …
//
// The go command reads it with GOPROXY=file:///tmp/proxy.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	if len(os.Args) < 5 {
		log.Fatal("usage: pack VERSION REPOSITORY OUT MODULE...; the first module is that of the repository's root")
	}
	version, repository, out, modules := os.Args[1], os.Args[2], os.Args[3], os.Args[4:]
	for _, m := range modules {
		if err := pack(module.Version{Path: m, Version: version}, repository, out, modules[0]); err != nil {
			log.Fatalf("%s: %v", m, err)
		}
	}
}

func pack(m module.Version, repository, out, root string) error {
	dir := strings.TrimPrefix(strings.TrimPrefix(m.Path, root), "/")
	text, err := exec.Command("git", "-C", repository, "show", "HEAD:"+path.Join(dir, "go.mod")).Output()
	if err != nil {
		return fmt.Errorf("no go.mod is committed: %w", err)
	}
	if err := agree(text, m, root); err != nil {
		return err
	}
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	folder := filepath.Join(out, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{m.Version, time.Now().UTC()})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"list": []byte(m.Version + "\n"), m.Version + ".mod": text, m.Version + ".info": info} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	file, err := os.Create(filepath.Join(folder, m.Version+".zip"))
	if err != nil {
		return err
	}
	return errors.Join(zip.CreateFromVCS(file, m, repository, "HEAD", dir), file.Close())
}

// agree returns an error unless text is the go.mod of m and requires the modules of this repository at the
// packed version: other modules ignore replace directives.
func agree(text []byte, m module.Version, root string) error {
	file, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	if file.Module.Mod.Path != m.Path {
		return fmt.Errorf("go.mod is that of %s", file.Module.Mod.Path)
	}
	for _, r := range file.Require {
		ours := r.Mod.Path == root || strings.HasPrefix(r.Mod.Path, root+"/")
		if ours && r.Mod.Version != m.Version {
			return fmt.Errorf("go.mod requires %s, want %s", r.Mod, m.Version)
		}
	}
	return nil
}
