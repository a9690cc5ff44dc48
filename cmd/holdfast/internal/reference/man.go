package reference

import (
	"fmt"
	"strings"
)

// Man is the manual as a man page of section 1, in roff.
func Man(m Manual) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1\n.SH NAME\n%s \\- %s\n", strings.ToUpper(m.Name), m.Name, roff(m.Usage))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I command\n.RI [ flags ]\n", m.Name)
	b.WriteString(".SH COMMANDS\n")
	for _, c := range m.Commands {
		c.man(&b)
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range m.Exits {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.Code, roff(e.Text))
	}
	return b.String()
}

func (c Command) man(b *strings.Builder) {
	fmt.Fprintf(b, ".SS %s\n%s\n", roff(c.Name), roff(sentence(c.Usage)))
	for _, p := range c.Description {
		fmt.Fprintf(b, ".PP\n%s\n", roff(p))
	}
	if len(c.Examples) > 0 {
		b.WriteString(".PP\n.nf\n")
		for _, e := range c.Examples {
			fmt.Fprintf(b, "    %s\n", roff(e))
		}
		b.WriteString(".fi\n")
	}
	for _, f := range c.Flags {
		fmt.Fprintf(b, ".TP\n.BR \\-\\-%s", roff(f.Name))
		if f.Value != "" {
			fmt.Fprintf(b, " \" %s\"", roff(f.Value))
		}
		fmt.Fprintf(b, "\n%s", roff(f.Usage))
		if f.Default != "" {
			fmt.Fprintf(b, " (default: %s)", roff(f.Default))
		}
		b.WriteString("\n")
	}
}

// roff is text that roff prints as it stands.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return strings.ReplaceAll(text, "\n", " ")
}
