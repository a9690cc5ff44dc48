// Package flat is the JSON of what an operator sees: the same names and forms
// wherever it is asked for.
//
// A struct is an object with a member for each field, named by its json tag.
// Embedded structs lie flat in it. Beyond encoding/json:
//
//   - Data, which are []byte and the texts key and lane, is text where it is
//     valid UTF-8, and else base64 under the name with the ending _base64. A nil
//     []byte is null, an empty one is "".
//   - Other text that is not valid UTF-8 is shown with replacement characters.
//   - A time is RFC 3339 in UTC, the zero time null.
//   - A duration is a decimal number of seconds, exact to the nanosecond; its
//     name ends with _seconds.
//   - An error is its text, nil is null.
//   - A list that is nil is [], and an empty one is read as nil.
//   - omitempty and omitzero leave out what is zero.
//
// Readers ignore members that they do not know, except where a request is read,
// in which a selector that is not understood would select too much.
//
//	var jobForm = flat.Of[Job]()
//
//	func (j Job) MarshalJSON() ([]byte, error)     { return jobForm.Marshal(j) }
//	func (j *Job) UnmarshalJSON(data []byte) error { return jobForm.Unmarshal(data, j) }
//
// A type that is embedded in others must have no such methods: they would be
// promoted. Its tags are enough.
package flat
