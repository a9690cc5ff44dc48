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

// The JSON of views. Lag and Rates have tags only, since they are embedded.
var (
	statusForm          = flat.Of[Status]()
	problemForm         = flat.Of[Problem]()
	partitionStatusForm = flat.Of[PartitionStatus]()
	partitionAwayForm   = flat.Of[PartitionAway]()
	topicStatusForm     = flat.Of[TopicStatus]()
	memberForm          = flat.Of[Member]()
	diskSummaryForm     = flat.Of[DiskSummary]()
	laneQueryForm       = flat.Of[LaneQuery]()
	laneForm            = flat.Of[Lane]()
	jobDetailForm       = flat.Of[JobDetail]()
	burialForm          = flat.Of[Burial]()
	workerForm          = flat.Of[Worker]()
	diskForm            = flat.Of[Disk]()
	diskUseForm         = flat.Of[DiskUse]()
	explanationForm     = flat.Of[Explanation]()
)

func (v Status) MarshalJSON() ([]byte, error)          { return statusForm.Marshal(v) }
func (v Problem) MarshalJSON() ([]byte, error)         { return problemForm.Marshal(v) }
func (v PartitionStatus) MarshalJSON() ([]byte, error) { return partitionStatusForm.Marshal(v) }
func (v PartitionAway) MarshalJSON() ([]byte, error)   { return partitionAwayForm.Marshal(v) }
func (v TopicStatus) MarshalJSON() ([]byte, error)     { return topicStatusForm.Marshal(v) }
func (v Member) MarshalJSON() ([]byte, error)          { return memberForm.Marshal(v) }
func (v DiskSummary) MarshalJSON() ([]byte, error)     { return diskSummaryForm.Marshal(v) }
func (v LaneQuery) MarshalJSON() ([]byte, error)       { return laneQueryForm.Marshal(v) }
func (v Lane) MarshalJSON() ([]byte, error)            { return laneForm.Marshal(v) }
func (v JobDetail) MarshalJSON() ([]byte, error)       { return jobDetailForm.Marshal(v) }
func (v Burial) MarshalJSON() ([]byte, error)          { return burialForm.Marshal(v) }
func (v Worker) MarshalJSON() ([]byte, error)          { return workerForm.Marshal(v) }
func (v Disk) MarshalJSON() ([]byte, error)            { return diskForm.Marshal(v) }
func (v DiskUse) MarshalJSON() ([]byte, error)         { return diskUseForm.Marshal(v) }
func (v Explanation) MarshalJSON() ([]byte, error)     { return explanationForm.Marshal(v) }

func (v *Status) UnmarshalJSON(data []byte) error  { return statusForm.Unmarshal(data, v) }
func (v *Problem) UnmarshalJSON(data []byte) error { return problemForm.Unmarshal(data, v) }
func (v *PartitionStatus) UnmarshalJSON(data []byte) error {
	return partitionStatusForm.Unmarshal(data, v)
}
func (v *PartitionAway) UnmarshalJSON(data []byte) error { return partitionAwayForm.Unmarshal(data, v) }
func (v *TopicStatus) UnmarshalJSON(data []byte) error   { return topicStatusForm.Unmarshal(data, v) }
func (v *Member) UnmarshalJSON(data []byte) error        { return memberForm.Unmarshal(data, v) }
func (v *DiskSummary) UnmarshalJSON(data []byte) error   { return diskSummaryForm.Unmarshal(data, v) }
func (v *LaneQuery) UnmarshalJSON(data []byte) error     { return laneQueryForm.Unmarshal(data, v) }
func (v *Lane) UnmarshalJSON(data []byte) error          { return laneForm.Unmarshal(data, v) }
func (v *JobDetail) UnmarshalJSON(data []byte) error     { return jobDetailForm.Unmarshal(data, v) }
func (v *Burial) UnmarshalJSON(data []byte) error        { return burialForm.Unmarshal(data, v) }
func (v *Worker) UnmarshalJSON(data []byte) error        { return workerForm.Unmarshal(data, v) }
func (v *Disk) UnmarshalJSON(data []byte) error          { return diskForm.Unmarshal(data, v) }
func (v *DiskUse) UnmarshalJSON(data []byte) error       { return diskUseForm.Unmarshal(data, v) }
func (v *Explanation) UnmarshalJSON(data []byte) error   { return explanationForm.Unmarshal(data, v) }

// The JSON of what drain, seek, forget and set speak in.
var (
	settingForm          = flat.Of[Setting]()
	settingChangeForm    = flat.Of[SettingChange]()
	positionForm         = flat.Of[Position]()
	seekTargetForm       = flat.Of[SeekTarget]()
	forgetTargetForm     = flat.Of[ForgetTarget]()
	partitionOutlookForm = flat.Of[PartitionOutlook]()
	againTargetForm      = flat.Of[AgainTarget]()
)

func (v Setting) MarshalJSON() ([]byte, error)          { return settingForm.Marshal(v) }
func (v SettingChange) MarshalJSON() ([]byte, error)    { return settingChangeForm.Marshal(v) }
func (v Position) MarshalJSON() ([]byte, error)         { return positionForm.Marshal(v) }
func (v SeekTarget) MarshalJSON() ([]byte, error)       { return seekTargetForm.Marshal(v) }
func (v ForgetTarget) MarshalJSON() ([]byte, error)     { return forgetTargetForm.Marshal(v) }
func (v PartitionOutlook) MarshalJSON() ([]byte, error) { return partitionOutlookForm.Marshal(v) }
func (v AgainTarget) MarshalJSON() ([]byte, error)      { return againTargetForm.Marshal(v) }

func (v *Setting) UnmarshalJSON(data []byte) error       { return settingForm.Unmarshal(data, v) }
func (v *SettingChange) UnmarshalJSON(data []byte) error { return settingChangeForm.Unmarshal(data, v) }
func (v *Position) UnmarshalJSON(data []byte) error      { return positionForm.Unmarshal(data, v) }
func (v *SeekTarget) UnmarshalJSON(data []byte) error    { return seekTargetForm.Unmarshal(data, v) }
func (v *ForgetTarget) UnmarshalJSON(data []byte) error  { return forgetTargetForm.Unmarshal(data, v) }
func (v *PartitionOutlook) UnmarshalJSON(data []byte) error {
	return partitionOutlookForm.Unmarshal(data, v)
}
func (v *AgainTarget) UnmarshalJSON(data []byte) error { return againTargetForm.Unmarshal(data, v) }
