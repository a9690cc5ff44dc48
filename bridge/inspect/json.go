package inspect

import "github.com/seed-2837c37b/holdfast/bridge/internal/flat"

// The JSON of this package: names as the json tags say, forms as package flat
// says. Name has tags only, since it is embedded: its methods would be promoted.
var (
	partitionForm     = flat.Of[Partition]()
	queryForm         = flat.Of[Query]()
	jobForm           = flat.Of[Job]()
	attemptForm       = flat.Of[Attempt]()
	parkedLaneForm    = flat.Of[ParkedLane]()
	pauseEntryForm    = flat.Of[PauseEntry]()
	deadQueryForm     = flat.Of[DeadQuery]()
	deadLetterForm    = flat.Of[DeadLetter]()
	headerForm        = flat.Of[Header]()
	commandForm       = flat.Of[Command]()
	planForm          = flat.Of[Plan]()
	targetForm        = flat.Of[Target]()
	deadTargetForm    = flat.Of[DeadTarget]()
	groupForm         = flat.Of[Group]()
	operationForm     = flat.Of[Operation]()
	lettersForm       = flat.Of[Letters]()
	paceForm          = flat.Of[Pace]()
	cutoffForm        = flat.Of[Cutoff]()
	bulkOperationForm = flat.Of[BulkOperation]()
	auditQueryForm    = flat.Of[AuditQuery]()
	auditEntryForm    = flat.Of[AuditEntry]()
)

func (v Partition) MarshalJSON() ([]byte, error)     { return partitionForm.Marshal(v) }
func (v Query) MarshalJSON() ([]byte, error)         { return queryForm.Marshal(v) }
func (v Job) MarshalJSON() ([]byte, error)           { return jobForm.Marshal(v) }
func (v Attempt) MarshalJSON() ([]byte, error)       { return attemptForm.Marshal(v) }
func (v ParkedLane) MarshalJSON() ([]byte, error)    { return parkedLaneForm.Marshal(v) }
func (v PauseEntry) MarshalJSON() ([]byte, error)    { return pauseEntryForm.Marshal(v) }
func (v DeadQuery) MarshalJSON() ([]byte, error)     { return deadQueryForm.Marshal(v) }
func (v DeadLetter) MarshalJSON() ([]byte, error)    { return deadLetterForm.Marshal(v) }
func (v Header) MarshalJSON() ([]byte, error)        { return headerForm.Marshal(v) }
func (v Command) MarshalJSON() ([]byte, error)       { return commandForm.Marshal(v) }
func (v Plan) MarshalJSON() ([]byte, error)          { return planForm.Marshal(v) }
func (v Target) MarshalJSON() ([]byte, error)        { return targetForm.Marshal(v) }
func (v DeadTarget) MarshalJSON() ([]byte, error)    { return deadTargetForm.Marshal(v) }
func (v Group) MarshalJSON() ([]byte, error)         { return groupForm.Marshal(v) }
func (v AuditEntry) MarshalJSON() ([]byte, error)    { return auditEntryForm.Marshal(v) }
func (v AuditQuery) MarshalJSON() ([]byte, error)    { return auditQueryForm.Marshal(v) }
func (v BulkOperation) MarshalJSON() ([]byte, error) { return bulkOperationForm.Marshal(v) }
func (v Letters) MarshalJSON() ([]byte, error)       { return lettersForm.Marshal(v) }
func (v Pace) MarshalJSON() ([]byte, error)          { return paceForm.Marshal(v) }
func (v Cutoff) MarshalJSON() ([]byte, error)        { return cutoffForm.Marshal(v) }
func (v Operation) MarshalJSON() ([]byte, error)     { return operationForm.Marshal(v) }

func (v *Partition) UnmarshalJSON(data []byte) error     { return partitionForm.Unmarshal(data, v) }
func (v *Query) UnmarshalJSON(data []byte) error         { return queryForm.Unmarshal(data, v) }
func (v *Job) UnmarshalJSON(data []byte) error           { return jobForm.Unmarshal(data, v) }
func (v *Attempt) UnmarshalJSON(data []byte) error       { return attemptForm.Unmarshal(data, v) }
func (v *ParkedLane) UnmarshalJSON(data []byte) error    { return parkedLaneForm.Unmarshal(data, v) }
func (v *PauseEntry) UnmarshalJSON(data []byte) error    { return pauseEntryForm.Unmarshal(data, v) }
func (v *DeadQuery) UnmarshalJSON(data []byte) error     { return deadQueryForm.Unmarshal(data, v) }
func (v *DeadLetter) UnmarshalJSON(data []byte) error    { return deadLetterForm.Unmarshal(data, v) }
func (v *Header) UnmarshalJSON(data []byte) error        { return headerForm.Unmarshal(data, v) }
func (v *Command) UnmarshalJSON(data []byte) error       { return commandForm.Unmarshal(data, v) }
func (v *Plan) UnmarshalJSON(data []byte) error          { return planForm.Unmarshal(data, v) }
func (v *Target) UnmarshalJSON(data []byte) error        { return targetForm.Unmarshal(data, v) }
func (v *DeadTarget) UnmarshalJSON(data []byte) error    { return deadTargetForm.Unmarshal(data, v) }
func (v *Group) UnmarshalJSON(data []byte) error         { return groupForm.Unmarshal(data, v) }
func (v *AuditEntry) UnmarshalJSON(data []byte) error    { return auditEntryForm.Unmarshal(data, v) }
func (v *AuditQuery) UnmarshalJSON(data []byte) error    { return auditQueryForm.Unmarshal(data, v) }
func (v *BulkOperation) UnmarshalJSON(data []byte) error { return bulkOperationForm.Unmarshal(data, v) }
func (v *Letters) UnmarshalJSON(data []byte) error       { return lettersForm.Unmarshal(data, v) }
func (v *Pace) UnmarshalJSON(data []byte) error          { return paceForm.Unmarshal(data, v) }
func (v *Cutoff) UnmarshalJSON(data []byte) error        { return cutoffForm.Unmarshal(data, v) }
func (v *Operation) UnmarshalJSON(data []byte) error     { return operationForm.Unmarshal(data, v) }
