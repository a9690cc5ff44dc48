package exec

import (
	"bytes"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// maxResult bounds what is produced of a job, in bytes. Kafka takes little more
// by default.
const maxResult = 1 << 20

// produced keeps what a process writes to stdout, where that is the result of its
// job. It never refuses a write: the process is to end by itself.
type produced struct {
	bytes.Buffer
	over bool // there was more than maxResult
}

func newProduced() *produced { return new(produced) }

func (p *produced) Write(b []byte) (int, error) {
	if p.over = p.over || p.Len()+len(b) > maxResult; p.over {
		p.Reset()
		return len(b), nil
	}
	return p.Buffer.Write(b)
}

// handOver produces the result of a job that is done.
func (p *produced) handOver(job *bridge.Job) error {
	if p.over {
		return fmt.Errorf("stdout has more than %d bytes, which are the most that is produced of a job", maxResult)
	}
	if p.Len() > 0 {
		job.ProduceResult(p.Bytes())
	}
	return nil
}
