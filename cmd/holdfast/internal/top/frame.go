package top

import (
	"fmt"
	"strings"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

// line is one of the screen.
type line struct {
	text    string
	inverse bool
}

// maxProblems is how many problems have a line.
const maxProblems = 3

// frame is the whole screen.
func (m *model) frame(width, height int) []line {
	var lines []line
	for _, text := range m.head(width, height) {
		lines = append(lines, line{text: text})
	}
	room := max(1, height-len(lines)-1)
	body := m.body(width, room)
	lines = append(lines, body...)
	for range room - len(body) {
		lines = append(lines, line{})
	}
	return append(lines, line{m.footer(width), true})
}

// head is cut on a low screen: what moves is below it.
func (m *model) head(width, height int) []string {
	s := m.picture.status
	lines := show.Head(s, width)
	lines = append(lines, show.Problems(s.Problems, width, maxProblems)...)
	if m.failure != nil {
		text := "NO ANSWER  " + listing.Line(m.failure.Error()) + "; what is below is as of the time above"
		lines = append(lines, show.Cut(text, width))
	}
	return lines[:min(len(lines), max(1, height/2))]
}

// body is the table, or the explanation.
func (m *model) body(width, room int) []line {
	if m.explained.topic != "" {
		return m.explanation(width, room)
	}
	rows := m.table(width)
	if len(rows) == 1 || !m.current() && m.view != viewPartitions {
		text := "nothing"
		if !m.current() {
			text = "asking ..."
		}
		return []line{{rows[0], true}, {text: text}}
	}
	m.page = room - 1
	cursor := m.keep(len(rows) - 1)
	part, first := window(rows[1:], cursor, m.page)
	lines := []line{{rows[0], true}}
	for i, text := range part {
		if first+i == cursor {
			text = ">" + text[1:]
		}
		lines = append(lines, line{text: text})
	}
	return lines
}

// table is its titles and its rows, with room for the cursor.
func (m *model) table(width int) []string {
	var rows []string
	now := m.picture.status.At
	switch m.view {
	case viewPartitions:
		rows = show.Partitions(m.picture.status, m.partitions(), width-1)
	case viewLanes:
		rows = show.Lanes(m.picture.lanes, now, width-1)
	case viewWorkers:
		rows = show.Workers(m.workers(), now, width-1)
	}
	for i := range rows {
		rows[i] = " " + rows[i]
	}
	return rows
}

func (m *model) explanation(width, room int) []line {
	lines := []line{{"explain " + m.explained.String(), true}}
	e := m.picture.explanation
	if e == nil || !m.current() {
		return append(lines, line{text: "asking ..."})
	}
	text := show.Explanation(*e, width)
	m.page = room - 1
	m.scrolled = max(0, min(m.scrolled, len(text)-m.page))
	for _, t := range text[m.scrolled:min(len(text), m.scrolled+m.page)] {
		lines = append(lines, line{text: show.Cut(t, width)})
	}
	return lines
}

// footer says where one is and what keys do.
func (m *model) footer(width int) string {
	names := []string{"partitions", "lanes", "workers"}
	names[m.view] = strings.ToUpper(names[m.view])
	text := fmt.Sprintf("1 %s  2 %s  3 %s | s order: %s | enter explain | q quit", names[0], names[1], names[2], m.orderName())
	if m.explained.topic != "" {
		text = "esc back | up and down scroll | q quit"
	}
	return show.Cut(text, width)
}
