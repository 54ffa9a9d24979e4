package mutant

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// build makes the program for drills with some files replaced, in dir, and answers
// where it is.
func build(ctx context.Context, root, dir, name string, files map[string]string) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", ErrNoSource
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	n := 0
	for file, text := range files {
		n++
		replaced := filepath.Join(dir, name+"-"+strconv.Itoa(n)+filepath.Ext(file))
		if err := os.WriteFile(replaced, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(root, filepath.FromSlash(file))] = replaced
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list, program := filepath.Join(dir, name+".json"), filepath.Join(dir, name)
	if err := os.WriteFile(list, raw, 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", "drill", "-overlay", list, "-o", program, "./services/lingkar")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return program, nil
}
