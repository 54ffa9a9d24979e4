// Package compose checks docker-compose.yml as a container engine reads it, by
// the Compose project's own loader: its JSON schema first, then the references
// between services, networks, volumes, secrets and configs; and that the images copy what
// their programs are built of. It starts nothing.
package compose

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads the file with every profile switched on, so that no service is
// left unchecked.
func load(t *testing.T, path string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{path}, cli.WithProfiles([]string{"*"}), cli.WithName("lingkar"))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func TestComposeFile(t *testing.T) {
	project, err := load(t, filepath.Join("..", "..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	root := project.WorkingDir
	for name, service := range project.Services {
		if service.Image == "" && service.Build == nil {
			t.Errorf("%s: neither an image nor a build", name)
		}
		if service.Build != nil {
			if _, err := os.Stat(filepath.Join(service.Build.Context, service.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, v := range service.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts %s, which is not in the repository (%s)", name, v.Source, root)
			}
		}
		for _, need := range service.DependsOn {
			if need.Condition == types.ServiceConditionStarted {
				t.Errorf("%s waits for a service to be started, not to be healthy or done", name)
			}
		}
	}
	for name, config := range project.Configs {
		if _, err := os.Stat(config.File); config.File != "" && err != nil {
			t.Errorf("config %s: %v", name, err)
		}
	}
}

// Every image copies all that its program is built of: the go command finds each package
// and each embedded file in a directory that has what the Dockerfile copies, and nothing
// else.
func TestImages_copyWhatTheyAreBuiltOf(t *testing.T) {
	project, err := load(t, filepath.Join("..", "..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	contexts := map[string]string{}
	for _, service := range project.Services {
		if service.Build == nil {
			continue
		}
		file := filepath.Join(service.Build.Context, service.Build.Dockerfile)
		if contexts[file] == "" {
			contexts[file] = copied(t, service.Build.Context, file)
		}
		name := *service.Build.Args["SERVICE"]
		program := "./services/" + name
		if name != "lingkar" {
			program += "/cmd/" + name
		}
		list := exec.Command("go", "list", "-deps", program)
		list.Dir = contexts[file]
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK="+filepath.Join(contexts[file], "go.work"))
		var said strings.Builder
		list.Stderr = &said
		if err := list.Run(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, said.String())
		}
	}
	if len(contexts) == 0 {
		t.Error("nothing is built")
	}
}

// What the Dockerfile tells the linker is what a program says its version is.
func TestImages_knowTheirVersion(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	text, err := os.ReadFile(filepath.Join(root, "deploy", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), `-ldflags "`)
	flags, _, ok := strings.Cut(after, `"`)
	if !ok {
		t.Fatal("the Dockerfile tells the linker nothing")
	}
	for _, program := range []string{"./services/analytics/cmd/analytics", "./services/lingkar"} {
		binary := filepath.Join(t.TempDir(), "service")
		build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", strings.ReplaceAll(flags, "$VERSION", "9.8.7"), "-o", binary, program)
		build.Dir = root
		build.Env = append(os.Environ(), "GOWORK=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		said, err := exec.Command(binary, "version").Output()
		if err != nil || !strings.Contains(string(said), " 9.8.7") {
			t.Errorf("%s says %q, %v", program, said, err)
		}
	}
}

// copied makes a directory of what the first stage of a Dockerfile copies.
func copied(t *testing.T, root, dockerfile string) string {
	t.Helper()
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stages := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "FROM":
			stages++
		case words[0] == "COPY" && stages == 1:
			into := words[len(words)-1]
			for _, pattern := range words[1 : len(words)-1] {
				copyInto(t, root, pattern, filepath.Join(dir, into), strings.HasSuffix(into, "/"))
			}
		}
	}
	return dir
}

// copyInto copies as COPY does: what a directory holds, and files under their names into
// a target that ends in a slash.
func copyInto(t *testing.T, root, pattern, target string, directory bool) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("COPY %s: nothing there, %v", pattern, err)
	}
	for _, source := range found {
		err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			to := target + strings.TrimPrefix(path, source)
			if path == source && directory {
				to = filepath.Join(target, filepath.Base(source))
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, content, 0o600))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The check itself is checked: a file the engine would refuse is refused.
func TestComposeFile_refused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":       "services: {a: {image: x, restarts: always}}",
		"undefined network": "services: {a: {image: x, networks: [core]}}",
		"undefined volume":  "services: {a: {image: x, volumes: ['data:/data']}}",
		"undefined need":    "services: {a: {image: x, depends_on: [b]}}",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "docker-compose.yml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := load(t, path); err == nil {
				t.Error("accepted")
			}
		})
	}
}
