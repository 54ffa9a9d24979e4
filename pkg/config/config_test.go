package config_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lingkar-crm/lingkar/pkg/config"
)

type settings struct {
	URL     string            `env:"URL" required:"true" usage:"where it is"`
	Key     []byte            `env:"KEY" secret:"true" usage:"the key"`
	Wait    time.Duration     `env:"WAIT" default:"3s" usage:"how long"`
	Count   int               `env:"COUNT" default:"7"`
	Big     int64             `env:"BIG"`
	Share   float64           `env:"SHARE" default:"0.5"`
	On      bool              `env:"ON"`
	Areas   []string          `env:"AREAS" default:"sales, ticket"`
	Targets map[string]string `env:"TARGETS"`
	Level   slog.Level        `env:"LEVEL" default:"warn"`
	Other   string
}

func from(env map[string]string) config.Source {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	t.Parallel()
	var got settings
	err := config.LoadFrom(from(map[string]string{
		"LINGKAR_URL_FILE": secretFile(t, "postgres://x\n"),
		"LINGKAR_KEY_FILE": secretFile(t, "abc\r\n"),
		"LINGKAR_BIG":      "9000000000",
		"LINGKAR_ON":       "true",
		"LINGKAR_COUNT":    "",
		"LINGKAR_TARGETS":  "sales=a:1, contact=b:2",
	}), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		URL: "postgres://x", Key: []byte("abc"), Wait: 3 * time.Second, Count: 7, Big: 9_000_000_000, Share: 0.5, On: true,
		Areas: []string{"sales", "ticket"}, Targets: map[string]string{"sales": "a:1", "contact": "b:2"}, Level: slog.LevelWarn,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestLoad_tellsAllProblemsAndNoValues(t *testing.T) {
	t.Parallel()
	err := config.LoadFrom(from(map[string]string{
		"LINGKAR_KEY":        "hunter2",
		"LINGKAR_WAIT":       "hunter2",
		"LINGKAR_COUNT":      "hunter2",
		"LINGKAR_BIG":        "1.5",
		"LINGKAR_SHARE":      "much",
		"LINGKAR_ON":         "hunter2",
		"LINGKAR_TARGETS":    "hunter2",
		"LINGKAR_LEVEL":      "loud",
		"LINGKAR_AREAS":      "a",
		"LINGKAR_AREAS_FILE": "b",
	}), &settings{})
	if err == nil {
		t.Fatal("nine wrong settings were taken")
	}
	for _, want := range []string{
		"LINGKAR_URL is not set: where it is",
		"LINGKAR_KEY is a secret: put it into a file and name that in LINGKAR_KEY_FILE",
		"LINGKAR_WAIT must be a duration",
		"LINGKAR_COUNT must be a whole number",
		"LINGKAR_BIG must be a whole number",
		"LINGKAR_SHARE must be a number",
		"LINGKAR_ON must be true or false",
		"LINGKAR_TARGETS must be a list like a=1,b=2",
		"LINGKAR_LEVEL cannot be read",
		"LINGKAR_AREAS and LINGKAR_AREAS_FILE are both set",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q", want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells a value: %v", err)
	}
}

func TestLoad_files(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"missing": "/does/not/exist", "empty": secretFile(t, "\n")} {
		err := config.LoadFrom(from(map[string]string{"LINGKAR_URL": "x", "LINGKAR_KEY_FILE": path}), &settings{})
		if err == nil || !strings.Contains(err.Error(), "LINGKAR_KEY_FILE") {
			t.Errorf("%s file: got %v", name, err)
		}
	}
}

func TestSecret(t *testing.T) {
	t.Setenv("LINGKAR_VAULT_WORD_FILE", secretFile(t, "sesame\n"))
	if got, err := config.Secret("VAULT_WORD", true); err != nil || got != "sesame" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := config.Secret("ABSENT", false); err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := config.Secret("ABSENT", true); err == nil || !strings.Contains(err.Error(), "LINGKAR_ABSENT_FILE is not set") {
		t.Errorf("got %v", err)
	}
	t.Setenv("LINGKAR_PLAIN", "hunter2")
	if _, err := config.Secret("PLAIN", false); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	var table bytes.Buffer
	if err := config.Usage(&table, &settings{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LINGKAR_URL ", "required", "where it is", "LINGKAR_KEY_FILE", "default 3s"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
}
