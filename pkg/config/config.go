// Package config reads the settings of a process from environment variables and
// from files that hold secrets, into a struct.
//
// A field with the tag `env:"DATABASE_URL"` is read from
// LINGKAR_DATABASE_URL, or from the file that LINGKAR_DATABASE_URL_FILE names;
// one tagged `secret:"true"` from the file alone, because variables are shown by
// process lists and crash reports. `default:"…"` stands in for what is not set,
// `required:"true"` has no default, and `usage:"…"` is told by Usage. Load names
// everything that is wrong at once, and never tells a value.
//
// Types: string, bool, int, int64, float64, time.Duration, []string (separated by
// commas), map[string]string (k=v, separated by commas), []byte (as it stands),
// and what implements encoding.TextUnmarshaler.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Prefix begins the name of every variable.
const Prefix = "LINGKAR_"

const fileSuffix = "_FILE"

// Source answers the value of an environment variable, as os.LookupEnv does.
type Source func(name string) (string, bool)

// Load fills in the struct that into points to, from the environment of the
// process.
func Load(into any) error { return LoadFrom(os.LookupEnv, into) }

// LoadFrom fills it in from another source.
func LoadFrom(source Source, into any) error {
	v := reflect.ValueOf(into).Elem()
	var wrong []error
	for i := range v.NumField() {
		s, ok := settingOf(v.Type().Field(i))
		if !ok {
			continue
		}
		if err := s.load(source, v.Field(i)); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// Secret reads one secret whose name is not known to a struct: what the file holds
// that LINGKAR_<name>_FILE names. Without required it may be absent, and is empty.
func Secret(name string, required bool) (string, error) {
	s := setting{env: Prefix + name, secret: true, usage: "names a file"}
	value, set, err := s.read(os.LookupEnv)
	if err == nil && !set && required {
		return "", fmt.Errorf("%s is not set: it %s", s.name(), s.usage)
	}
	return value, err
}

// SecretFile answers the file that Secret reads; "" where none is named.
func SecretFile(name string) string {
	return os.Getenv(setting{env: Prefix + name, secret: true}.name())
}

// Usage writes a table of the settings of the struct that of points to.
func Usage(w io.Writer, of any) error {
	t := reflect.TypeOf(of).Elem()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range t.NumField() {
		if s, ok := settingOf(t.Field(i)); ok {
			fmt.Fprintf(table, "%s\t%s\t%s\n", s.name(), s.fallbackWords(), s.usage)
		}
	}
	return table.Flush()
}

// setting is what the tags of a field say.
type setting struct {
	env, fallback, usage string
	required, secret     bool
}

func settingOf(f reflect.StructField) (setting, bool) {
	env, ok := f.Tag.Lookup("env")
	return setting{
		env:      Prefix + env,
		fallback: f.Tag.Get("default"),
		usage:    f.Tag.Get("usage"),
		required: f.Tag.Get("required") == "true",
		secret:   f.Tag.Get("secret") == "true",
	}, ok
}

// name is the variable that a person sets.
func (s setting) name() string {
	if s.secret {
		return s.env + fileSuffix
	}
	return s.env
}

func (s setting) fallbackWords() string {
	switch {
	case s.required:
		return "required"
	case s.fallback == "":
		return "optional"
	default:
		return "default " + s.fallback
	}
}

func (s setting) load(source Source, into reflect.Value) error {
	value, set, err := s.read(source)
	switch {
	case err != nil:
		return err
	case !set && s.required:
		return fmt.Errorf("%s is not set: %s", s.name(), s.usage)
	case !set:
		value = s.fallback
	}
	if value == "" {
		return nil
	}
	if err := parse(value, into); err != nil {
		return fmt.Errorf("%s %w", s.name(), err)
	}
	return nil
}

// read looks at the variable and at the one that names a file. An empty variable
// counts as not set, as compose files leave them.
func (s setting) read(source Source) (value string, set bool, err error) {
	value, _ = source(s.env)
	path, _ := source(s.env + fileSuffix)
	switch {
	case value != "" && path != "":
		return "", false, fmt.Errorf("%s and %s are both set: keep one", s.env, s.env+fileSuffix)
	case value != "" && s.secret:
		return "", false, fmt.Errorf("%s is a secret: put it into a file and name that in %s", s.env, s.env+fileSuffix)
	case path == "":
		return value, value != "", nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", s.env+fileSuffix, err)
	}
	value = strings.TrimRight(string(content), "\r\n")
	if value == "" {
		return "", false, fmt.Errorf("%s: the file %s is empty", s.env+fileSuffix, path)
	}
	return value, true, nil
}

// parse reads the value into the field. Its error reads on after the name of the
// variable.
func parse(value string, into reflect.Value) error {
	if t, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := t.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("cannot be read: %w", err)
		}
		return nil
	}
	switch field := into.Addr().Interface().(type) {
	case *time.Duration:
		return scalar(field, value, time.ParseDuration, "must be a duration such as 3s or 5m")
	case *[]byte:
		*field = []byte(value)
		return nil
	case *[]string:
		*field = split(value)
		return nil
	case *map[string]string:
		return pairs(field, value)
	case *string:
		*field = value
		return nil
	case *bool:
		return scalar(field, value, strconv.ParseBool, "must be true or false")
	case *int:
		return scalar(field, value, strconv.Atoi, "must be a whole number")
	case *int64:
		return scalar(field, value, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }, "must be a whole number")
	case *float64:
		return scalar(field, value, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }, "must be a number")
	default:
		panic(fmt.Sprintf("config: a setting cannot have the type %s", into.Type()))
	}
}

func scalar[T any](into *T, value string, read func(string) (T, error), must string) error {
	parsed, err := read(value)
	if err != nil {
		return errors.New(must)
	}
	*into = parsed
	return nil
}

func split(value string) []string {
	var parts []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func pairs(into *map[string]string, value string) error {
	*into = map[string]string{}
	for _, pair := range split(value) {
		k, v, ok := strings.Cut(pair, "=")
		if !ok || k == "" {
			return errors.New("must be a list like a=1,b=2")
		}
		(*into)[k] = v
	}
	return nil
}
