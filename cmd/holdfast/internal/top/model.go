package top

import (
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

// model is what the screen shows and where in it the operator is.
type model struct {
	view      view
	order     [viewCount]int // which of orders, by view
	cursor    [viewCount]int // which row, by view
	explained subject
	scrolled  int // lines of an explanation
	picture   picture
	failure   error // of the last try to get a picture; nil: none
	page      int   // rows that the last frame had room for
}

// orders are the names of what rows can be ordered by.
var orders = [viewCount][]string{
	viewPartitions: partitionOrders(),
	viewLanes:      {string(inspect.ByJobs), string(inspect.ByAge), string(inspect.ByAttempts)},
	viewWorkers:    {"running", "silent"},
}

func partitionOrders() (names []string) {
	for _, o := range show.Orders() {
		names = append(names, string(o))
	}
	return names
}

func (m *model) orderName() string { return orders[m.view][m.order[m.view]] }

// wants is what the screen is about now.
func (m *model) wants() wanted {
	return wanted{view: m.view, lanes: inspect.LaneOrder(orders[viewLanes][m.order[viewLanes]]), explained: m.explained}
}

// press acts on a key.
func (m *model) press(k key) (quit bool) {
	switch k {
	case 'q', ctrlC:
		return true
	case '\r', '\n', 'e':
		if m.explained.topic == "" {
			m.explained, m.scrolled = m.subject(), 0
		}
	case keyEscape, 'b', 127:
		m.explained = subject{}
	case '\t', '1', '2', '3':
		m.turn(k)
	case 's':
		m.order[m.view] = (m.order[m.view] + 1) % len(orders[m.view])
		m.cursor[m.view] = 0
	default:
		m.move(k)
	}
	return false
}

func (m *model) turn(k key) {
	m.explained = subject{}
	if k == '\t' {
		m.view = (m.view + 1) % viewCount
		return
	}
	m.view = view(k - '1')
}

// move goes through the rows, or through an explanation.
func (m *model) move(k key) {
	by := map[key]int{keyUp: -1, 'k': -1, keyDown: 1, 'j': 1, keyPageUp: -m.page, keyPageDown: m.page, ' ': m.page, keyHome: -1 << 30, 'g': -1 << 30, keyEnd: 1 << 30, 'G': 1 << 30}[k]
	at := &m.cursor[m.view]
	if m.explained.topic != "" {
		at = &m.scrolled
	}
	*at = max(0, *at+by)
}

// partitions are the rows of the first view.
func (m *model) partitions() []inspect.PartitionStatus {
	return show.SortPartitions(m.picture.status, show.Order(orders[viewPartitions][m.order[viewPartitions]]))
}

func (m *model) workers() []inspect.Worker {
	return show.SortWorkers(m.picture.workers, m.order[viewWorkers] == 1)
}

// subject is what the cursor is on.
func (m *model) subject() subject {
	at := m.cursor[m.view]
	switch m.view {
	case viewPartitions:
		if list := m.partitions(); at < len(list) {
			return subject{list[at].Topic, list[at].Partition, -1}
		}
	case viewLanes:
		if list := m.picture.lanes; at < len(list) {
			return subject{list[at].Topic, list[at].Partition, list[at].Offset}
		}
	case viewWorkers:
		if list := m.workers(); at < len(list) {
			return subject{list[at].Topic, list[at].Partition, list[at].Offset}
		}
	}
	return subject{}
}

// got takes an answer; one to what is not asked any more only serves the head.
func (m *model) got(p picture, err error) {
	if m.failure = err; err != nil {
		return
	}
	if p.of != m.wants() {
		m.picture.status = p.status
		return
	}
	m.picture = p
}

// current tells whether the picture is of what is shown.
func (m *model) current() bool { return m.picture.of == m.wants() }

// keep holds the cursor on a row that there is.
func (m *model) keep(rows int) int {
	m.cursor[m.view] = max(0, min(m.cursor[m.view], rows-1))
	return m.cursor[m.view]
}

// window is the part of lines that there is room for, with the one at the cursor.
func window(lines []string, cursor, room int) (part []string, first int) {
	first = max(0, min(cursor-room/2, len(lines)-room))
	return slices.Clone(lines[first:min(len(lines), first+max(0, room))]), first
}
