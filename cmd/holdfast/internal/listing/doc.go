// Package listing writes lists for people and for programs: as a table, as one
// JSON array, or as one JSON object a line; once, or again and again.
//
//	list := listing.List[inspect.Partition]{
//		Columns: []listing.Column[inspect.Partition]{
//			{Name: "TOPIC", Cell: func(p inspect.Partition) string { return p.Topic }},
//			{Name: "OPEN", Cell: func(p inspect.Partition) string { return listing.Count(p.Open) }, Right: true},
//		},
//		Rows: listing.Of(partitions),
//	}
//	n, err := list.Write(os.Stdout, listing.Table)
//
// Rows are written as they come, so that a million of them need no memory. What
// a program reads is the type itself, by its JSON tags; the columns are for
// people, and no text in them steers a terminal.
package listing
