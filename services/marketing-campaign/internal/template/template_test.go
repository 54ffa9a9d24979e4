package template_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/template"
)

func TestRender(t *testing.T) {
	t.Parallel()
	sari := template.Names{Given: "Sari", Family: "Dewi", Display: "Sari Dewi", Organisation: "PT Maju"}
	shop := template.Names{Display: "Toko Abadi"}
	for _, c := range []struct {
		text  string
		names template.Names
		want  string
	}{
		{"Dear {{given_name}},", sari, "Dear Sari,"},
		{"{{ family_name }} of {{organisation_name}}", sari, "Dewi of PT Maju"},
		{"Dear {{given_name}},", shop, "Dear Toko Abadi,"},
		{"no variable { at } all", sari, "no variable { at } all"},
		{"", sari, ""},
		{"{{display_name}}{{display_name}}", shop, "Toko AbadiToko Abadi"},
	} {
		parsed, err := template.Parse(c.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.text, err)
			continue
		}
		if got := parsed.Render(c.names); got != c.want {
			t.Errorf("%q rendered as %q, want %q", c.text, got, c.want)
		}
	}
}

// What other systems were broken by: B34 of the catalogue of bad input.
func TestParse_refusesEverythingThatIsNoVariable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{{ env "X" }}`, "{{.Contact.Tenant.Keys}}", "{{range $i := .}}{{end}}", `{{template "x"}}`,
		"{{given_name}", "{{given_name", "given_name}}", "{{}}", "{{ }}", "{{given_name|upper}}",
		"{{{given_name}}}", "{{{{given_name}}}}", "{{Given_Name}}", "{{given_name}} {{", "}}{{given_name}}",
		"{{body}}", "{{given\nname}}", "{{7*7}}", "{{#if x}}", "{{>partial}}", "{{password}}",
	} {
		if _, err := template.Parse(text); !errors.Is(err, template.ErrSyntax) {
			t.Errorf("Parse(%q) answers %v", text, err)
		}
	}
}

func TestParse_boundsTheMessage(t *testing.T) {
	t.Parallel()
	if _, err := template.Parse(strings.Repeat("{{given_name}}", template.MaxVariables)); err != nil {
		t.Errorf("the most variables answer %v", err)
	}
	if _, err := template.Parse(strings.Repeat("{{given_name}}", template.MaxVariables+1)); !errors.Is(err, template.ErrTooMany) {
		t.Errorf("one more answers %v", err)
	}
}

// A name is text, whatever it looks like.
func TestRender_neverReadsANameAsATemplate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"{{display_name}}", "{{", "}}", "a{{given_name}}b", "{{range}}"}).Draw(t, "name") +
			rapid.String().Draw(t, "tail")
		parsed, err := template.Parse("<{{given_name}}>")
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.Render(template.Names{Given: name, Display: "X"}); got != "<"+name+">" {
			t.Fatalf("the name %q became %q", name, got)
		}
	})
}

func TestRenderLine_staysOneLine(t *testing.T) {
	t.Parallel()
	parsed, err := template.Parse("Hello {{given_name}}")
	if err != nil {
		t.Fatal(err)
	}
	got := parsed.RenderLine(template.Names{Given: "Sari\r\nBcc: all@example.com\u2028x\x00"})
	if strings.ContainsAny(got, "\r\n\x00\u2028") || !strings.HasPrefix(got, "Hello Sari") {
		t.Errorf("the line became %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Dear {{given_name}}, {{ family_name }}")
	f.Add("}}{{")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := template.Parse(text)
		if err != nil {
			return
		}
		if out := parsed.Render(template.Names{Given: "g", Family: "f", Display: "d", Organisation: "o"}); strings.Contains(out, "{{") || strings.Contains(out, "}}") {
			t.Errorf("%q leaves double braces: %q", text, out)
		}
	})
}
