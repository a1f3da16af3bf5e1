// Answers what `docker buildx imagetools create` makes of sources, by buildx's own code. One question a line on standard
// input, one answer a line on standard output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/log"
	"github.com/containerd/platforms"
	"github.com/docker/buildx/util/buildflags"
	"github.com/docker/buildx/util/imagetools"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// question is what one line asks.
type question struct {
	// Sources are descriptors as a registry or a user states them.
	Sources []ocispec.Descriptor `json:"sources"`
	// Blobs holds the sources and their configs.
	Blobs [][]byte `json:"blobs"`
	// Referrers are the descriptors of manifests with a subject, which stand in the layout's own index.
	Referrers   []ocispec.Descriptor `json:"referrers"`
	Annotations []string             `json:"annotations"`
	Platforms   []string             `json:"platforms"`
	PreferIndex bool                 `json:"preferIndex"`
}

// answer is the document and its descriptor, or why there is none.
type answer struct {
	Document   []byte              `json:"document,omitempty"`
	Descriptor *ocispec.Descriptor `json:"descriptor,omitempty"`
	// Manifests are the digests of what is copied, each with the place of its source.
	Manifests []copied `json:"manifests,omitempty"`
	Refused   string   `json:"refused,omitempty"`
}

type copied struct {
	Digest digest.Digest `json:"digest"`
	Source int           `json:"source"`
}

func main() {
	// A file system without fs-verity is no news.
	if err := log.SetLevel("error"); err != nil {
		panic(err)
	}
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
		given, err := create(asked)
		if err != nil {
			return err
		}
		if err := answers.Encode(given); err != nil {
			return err
		}
	}
}

// create makes the image. The sources lie in an OCI layout. What buildx refuses, and what it panics at, is an answer.
func create(asked question) (given answer, err error) {
	directory, err := os.MkdirTemp("", "imagetools")
	if err != nil {
		return answer{}, err
	}
	defer os.RemoveAll(directory)
	if err := layout(directory, asked); err != nil {
		return answer{}, err
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			given = answer{Refused: fmt.Sprint("panic: ", panicked)}
		}
	}()
	refused := func(err error) (answer, error) { return answer{Refused: err.Error()}, nil }
	annotations, err := buildflags.ParseAnnotations(asked.Annotations)
	if err != nil {
		return refused(err)
	}
	wanted, err := platforms.ParseAll(asked.Platforms)
	if err != nil {
		return refused(err)
	}
	places := map[*imagetools.Source]int{}
	var sources []*imagetools.Source
	for place, descriptor := range asked.Sources {
		location, err := imagetools.ParseLocation("oci-layout://" + directory + "@" + descriptor.Digest.String())
		if err != nil {
			return answer{}, err
		}
		source := &imagetools.Source{Desc: descriptor, Ref: location}
		places[source] = place
		sources = append(sources, source)
	}
	resolver := imagetools.New(imagetools.Opt{})
	document, descriptor, manifests, err := resolver.Combine(context.Background(), sources, annotations, asked.PreferIndex, wanted)
	if err != nil {
		return refused(err)
	}
	given = answer{Document: document, Descriptor: &descriptor}
	for _, manifest := range manifests {
		given.Manifests = append(given.Manifests, copied{manifest.Digest, places[manifest.Source]})
	}
	return given, nil
}

func layout(directory string, asked question) error {
	blobs := filepath.Join(directory, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	for _, blob := range asked.Blobs {
		if err := os.WriteFile(filepath.Join(blobs, digest.FromBytes(blob).Encoded()), blob, 0o644); err != nil {
			return err
		}
	}
	index := ocispec.Index{Manifests: asked.Referrers}
	index.SchemaVersion = 2
	written, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(directory, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "index.json"), written, 0o644)
}
