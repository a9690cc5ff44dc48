package nearest

import "strings"

// Name returns the known name that is most like given, or false where none is
// alike: one that is a few typing errors away, else the only one that contains it.
func Name(given string, known []string) (string, bool) {
	if given == "" {
		return "", false
	}
	best, least := "", 2+len(given)/4
	for _, k := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return best, true
	}
	return containing(given, known)
}

func containing(given string, known []string) (string, bool) {
	if len(given) < 3 {
		return "", false
	}
	var found []string
	for _, k := range known {
		if strings.Contains(k, given) {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before []int // the row before last, for swaps
	last := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
