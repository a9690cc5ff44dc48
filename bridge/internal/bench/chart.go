package bench

import (
	"fmt"
	"html"
	"io"
	"time"
)

// Chart draws a report's drains as an SVG picture: a group of bars for each
// case, as long as the system's rate is beside the fastest one's of the case.
// It has no background, and its text follows the reader's light or dark scheme.
func (r Report) Chart(w io.Writer) error {
	cases := names(r.Drains, func(d Drain) string { return d.Case })
	c := &canvas{printer: printer{w: w}}
	for _, name := range cases {
		c.height += c.measure(r.Drains, name)
	}
	c.height += chartHead + chartFoot
	c.open("Records per second, by system")
	for _, name := range cases {
		c.group(r.Drains, name)
	}
	c.text(chartMargin, c.y+20, "note", fmt.Sprintf("%s, %d cores, %s; a real Kafka broker on the same machine; %s; median of %d",
		r.Machine.Processor, r.Machine.Cores, r.Machine.Go, r.Date.Format(time.DateOnly), r.Repetitions))
	c.line("</svg>")
	return c.err
}

// Sizes of the picture, in pixels.
const (
	chartWidth  = 860
	chartMargin = 16
	chartHead   = 44
	chartFoot   = 36
	chartLabel  = 140 // width of the systems' names
	chartBar    = 430 // length of the longest bar
	caseHead    = 24
	caseFoot    = 12
	barHeight   = 14
	barStep     = 18
)

// chartStyle: the scheme of whoever looks decides about the text's colour.
const chartStyle = `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.case { font-weight: 600; }
.note { fill: #59636e; }
.holdfast { fill: #1a7f5a; }
.bare { fill: #8c959f; }
.parallel { fill: #bf6a1f; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.note { fill: #9198a1; }
.holdfast { fill: #3fb68b; }
.bare { fill: #7d8590; }
.parallel { fill: #e0934a; }
}
</style>`

// charted are the systems of a chart in their order, with their styles.
var charted = []struct {
	system System
	class  string
}{{Holdfast, "holdfast"}, {Bare, "bare"}, {Parallel, "parallel"}}

// canvas draws from the top to the bottom.
type canvas struct {
	printer
	y, height int
}

func (c *canvas) open(title string) {
	c.line(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">`, chartWidth, c.height)
	c.line("<title>%s</title>", html.EscapeString(title))
	c.line("%s", chartStyle)
	c.text(chartMargin, 26, "title", title)
	c.y = chartHead
}

func (c *canvas) text(x, y int, class, text string) {
	c.line(`<text class="%s" x="%d" y="%d">%s</text>`, class, x, y, html.EscapeString(text))
}

// measure returns the height of a case's group.
func (c *canvas) measure(all []Drain, name string) int {
	height := caseHead + caseFoot
	for _, s := range charted {
		if len(drainsOf(all, name, s.system)) > 0 {
			height += barStep
		}
	}
	return height
}

func (c *canvas) group(all []Drain, name string) {
	rate := func(d Drain) float64 { return d.Rate }
	fastest := 0.0
	for _, s := range charted {
		if drains := drainsOf(all, name, s.system); len(drains) > 0 {
			fastest = max(fastest, median(drains, rate))
		}
	}
	c.text(chartMargin, c.y+caseHead-8, "case", name)
	c.y += caseHead
	for _, s := range charted {
		drains := drainsOf(all, name, s.system)
		if len(drains) == 0 {
			continue
		}
		width := int(chartBar * median(drains, rate) / max(fastest, 1))
		c.text(chartMargin, c.y+barHeight-3, "name", string(s.system))
		c.line(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, s.class, chartLabel, c.y, max(width, 1), barHeight)
		c.text(chartLabel+width+8, c.y+barHeight-3, "rate", rateLabel(drains, drainsOf(all, name, Parallel), s.system))
		c.y += barStep
	}
	c.y += caseFoot
}

// rateLabel says what a bar stands for, and for holdfast how often it is the
// rate of Parallel Consumer.
func rateLabel(drains, parallel []Drain, s System) string {
	label := fmt.Sprintf("%.0f/s", median(drains, func(d Drain) float64 { return d.Rate }))
	if s == Holdfast && len(parallel) > 0 {
		label += fmt.Sprintf(", %s x Parallel Consumer", ratio(drains, parallel))
	}
	return label
}
