package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// maxResult bounds the answer that is produced, in bytes. Kafka takes little
// more by default.
const maxResult = 1 << 20

// contentType is the record header with the media type of a value.
const contentType = "content-type"

// produce hands over the body of an answer as the result of its job. Here the
// whole of it counts, within the time of the attempt.
func (h *Handler) produce(ctx, attempt context.Context, job *bridge.Job, answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxResult+1))
	switch {
	case err != nil:
		return h.unanswered(ctx, attempt, fmt.Errorf("read the answer: %w", err))
	case len(body) > maxResult:
		return fmt.Errorf("the answer of %s has more than %d bytes, which are the most that is produced of a job", h.target, maxResult)
	case len(body) == 0:
		return nil
	}
	var headers []bridge.Header
	if media := answer.Header.Get("Content-Type"); media != "" {
		headers = append(headers, bridge.Header{Key: contentType, Value: []byte(media)})
	}
	job.ProduceResult(body, headers...)
	return nil
}
