// Answers which manifest containerd and BuildKit choose of an index: the platforms by containerd's own library, the
// documents by Go's own decoder. One question a line on standard input, one answer a line on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// question is what one line asks.
type question struct {
	Wanted ocispec.Platform   `json:"wanted"`
	Root   ocispec.Descriptor `json:"root"`
	// Blobs holds manifests, indexes and configs by digest, as base64.
	Blobs map[string][]byte `json:"blobs"`
}

// answer has one member: the digest of the manifest, or why there is none.
type answer struct {
	Manifest *string `json:"manifest,omitempty"`
	// Absent: nothing suits the platform.
	Absent string `json:"absent,omitempty"`
	// Refused: containerd reads one of the documents not at all.
	Refused string `json:"refused,omitempty"`
}

func main() {
	if err := answerAll(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answerAll(from io.Reader, to io.Writer) error {
	questions := json.NewDecoder(bufio.NewReader(from))
	writer := bufio.NewWriter(to)
	answers := json.NewEncoder(writer)
	for {
		var asked question
		if err := questions.Decode(&asked); err == io.EOF {
			return writer.Flush()
		} else if err != nil {
			return fmt.Errorf("a question cannot be read: %w", err)
		}
		if err := answers.Encode(choose(asked)); err != nil {
			return err
		}
	}
}
