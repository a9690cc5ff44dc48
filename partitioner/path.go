package partitioner

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// step is one element of a JSON path: the name of an object's member and, if it
// reads as a number, also the index of an array's element.
type step struct {
	name  string
	index int // -1: not an index
}

func parsePath(text string) ([]step, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("the path is not valid UTF-8")
	}
	var path []step
	var name strings.Builder
	for i := 0; i <= len(text); i++ {
		switch {
		case i == len(text) || text[i] == '.':
			if name.Len() == 0 {
				return nil, errors.New(`the path has an empty step: write names separated by single dots, and \. for a dot in a name`)
			}
			path = append(path, newStep(name.String()))
			name.Reset()
		case text[i] == '\\':
			i++
			if i == len(text) || text[i] != '.' && text[i] != '\\' {
				return nil, fmt.Errorf(`the path has a lone backslash at byte %d: write \. for a dot in a name and \\ for a backslash`, i-1)
			}
			name.WriteByte(text[i])
		default:
			name.WriteByte(text[i])
		}
	}
	return path, nil
}

func newStep(name string) step {
	index, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(index) != name || index < 0 {
		index = -1
	}
	return step{name: name, index: index}
}
