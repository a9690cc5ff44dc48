package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Every stored value is a frame: version (1 byte), CRC-32C (4), length (4),
// payload. The checksum covers version, length and payload, so that a frame
// is judged before anything in it is decoded.
const (
	frameVersion = 1
	frameHeader  = 9
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errFrameShort    = errors.New("frame is cut short")
	errFrameChecksum = errors.New("checksum does not match")
)

// beginFrame reserves a header; endFrame fills it once the payload is there.
func beginFrame(dst []byte) []byte { return append(dst, make([]byte, frameHeader)...) }

func endFrame(dst []byte, start int) {
	frame := dst[start:]
	frame[0] = frameVersion
	binary.BigEndian.PutUint32(frame[5:9], uint32(len(frame)-frameHeader))
	binary.BigEndian.PutUint32(frame[1:5], frameSum(frame))
}

// frameSum leaves out bytes 1 to 4, where the sum itself stands.
func frameSum(frame []byte) uint32 {
	sum := crc32.Update(0, castagnoli, frame[:1])
	return crc32.Update(sum, castagnoli, frame[5:])
}

func appendFrame(dst, payload []byte) []byte {
	start := len(dst)
	dst = append(beginFrame(dst), payload...)
	endFrame(dst, start)
	return dst
}

// openFrame checks the frame at the start of b and returns its payload, which
// aliases b, and the frame's whole size.
func openFrame(b []byte) (payload []byte, size int, err error) {
	if len(b) < frameHeader {
		return nil, 0, errFrameShort
	}
	if b[0] != frameVersion {
		return nil, 0, fmt.Errorf("frame version %d is unknown", b[0])
	}
	size = frameHeader + int(binary.BigEndian.Uint32(b[5:9]))
	if size > len(b) {
		return nil, 0, errFrameShort
	}
	if frameSum(b[:size]) != binary.BigEndian.Uint32(b[1:5]) {
		return nil, 0, errFrameChecksum
	}
	return b[frameHeader:size], size, nil
}

// openWhole is openFrame for a value that is one frame and nothing else.
func openWhole(b []byte) ([]byte, error) {
	payload, size, err := openFrame(b)
	if err == nil && size != len(b) {
		err = fmt.Errorf("%d bytes behind the frame", len(b)-size)
	}
	return payload, err
}
