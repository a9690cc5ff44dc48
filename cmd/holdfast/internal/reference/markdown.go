package reference

import (
	"fmt"
	"strings"
)

// Markdown is the manual as one page.
func Markdown(m Manual) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: every command\n\n%s\n\nThis page is written by `make docs` from the commands themselves. `%s COMMAND --help` shows the same.\n",
		m.Name, sentence(m.Usage), m.Name)
	b.WriteString("\n| command | what it does |\n|---|---|\n")
	for _, c := range m.Commands {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", strings.TrimPrefix(c.Name, m.Name+" "), anchor(c.Name), cell(c.Usage))
	}
	for _, c := range m.Commands {
		c.markdown(&b)
	}
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range m.Exits {
		fmt.Fprintf(&b, "| %d | %s |\n", e.Code, cell(e.Text))
	}
	return b.String()
}

func (c Command) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", c.Name, sentence(c.Usage))
	for _, p := range c.Description {
		fmt.Fprintf(b, "\n%s\n", p)
	}
	if len(c.Examples) > 0 {
		fmt.Fprintf(b, "\n```\n%s\n```\n", strings.Join(c.Examples, "\n"))
	}
	if len(c.Flags) == 0 {
		return
	}
	b.WriteString("\n| flag | meaning | default |\n|---|---|---|\n")
	for _, f := range c.Flags {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", strings.TrimSpace("--"+f.Name+" "+f.Value), cell(f.Usage), cell(f.Default))
	}
}

// cell is text in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", `\<`).Replace(text)
}

// sentence begins and ends as one.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// anchor is what a heading is linked by.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(heading), " ", "-")
}
