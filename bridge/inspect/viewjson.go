package inspect

import "github.com/seed-2837c37b/holdfast/bridge/internal/flat"

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
