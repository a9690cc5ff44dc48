package inspect

import "github.com/seed-2837c37b/holdfast/bridge/internal/flat"

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
