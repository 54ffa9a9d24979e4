// Package compose checks docker-compose.yml as a container engine reads it, by
// the Compose project's own loader: its JSON schema first, then the references
// between services, networks, volumes, secrets and configs. It starts nothing.
package compose

import (
	"os"
	"path/filepath"
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
