package inspect

import "slices"

// Group is jobs with the same answer.
type Group struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Jobs   []Name `json:"jobs"` // by name, the first [MaxJobs] of them
}

// groupOf finds the group of a reason, or begins it.
func groupOf(list *[]Group, reason string) *Group {
	at := slices.IndexFunc(*list, func(g Group) bool { return g.Reason == reason })
	if at < 0 {
		at = len(*list)
		*list = append(*list, Group{Reason: reason})
	}
	return &(*list)[at]
}

// add puts a job to those with the same reason.
func add(list *[]Group, reason string, name Name) {
	group := groupOf(list, reason)
	group.Count++
	if len(group.Jobs) < MaxJobs {
		group.Jobs = append(group.Jobs, name)
	}
}

// addOther counts what is no job to those with the same reason.
func addOther(list *[]Group, reason string) { addGroup(list, reason, 1) }

func addGroup(list *[]Group, reason string, n int) { groupOf(list, reason).Count += n }

func count(list []Group) (n int) {
	for _, g := range list {
		n += g.Count
	}
	return n
}
