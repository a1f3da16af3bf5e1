package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	// depth bounds the indexes below the root, as RefKit does.
	depth = 8
)

var errAbsent = errors.New("no match for platform in manifest")

// choose does what Manifest of containerd's core/images and BuildKit's imageutil.Config do.
func choose(asked question) answer {
	matcher := platforms.Only(asked.Wanted)
	current := asked.Root
	for level := 0; ; level++ {
		if isManifest(current.MediaType) {
			if level > 0 && current.Platform == nil {
				if err := checkConfig(asked, matcher, current); err != nil {
					return failed(err)
				}
			}
			digest := current.Digest.String()
			return answer{Manifest: &digest}
		}
		if !isIndex(current.MediaType) {
			return failed(fmt.Errorf("unexpected media type %q", current.MediaType))
		}
		if level > depth {
			return failed(errors.New("too many indexes below one another"))
		}
		entry, err := best(asked, matcher, current)
		if err != nil {
			return failed(err)
		}
		current = *entry
	}
}

func failed(err error) answer {
	if errors.Is(err, errAbsent) {
		return answer{Absent: err.Error()}
	}
	return answer{Refused: err.Error()}
}

// best keeps the entries that match or say no platform, and takes the first of a stable sort: entries without a
// platform are last.
func best(asked question, matcher platforms.MatchComparer, of ocispec.Descriptor) (*ocispec.Descriptor, error) {
	document, err := read(asked, of)
	if err != nil {
		return nil, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(document, &index); err != nil {
		return nil, err
	}
	var entries []ocispec.Descriptor
	for _, entry := range index.Manifests {
		if entry.Platform == nil || matcher.Match(*entry.Platform) {
			entries = append(entries, entry)
		}
	}
	sort.SliceStable(entries, func(i, j int) bool {
		if entries[i].Platform == nil {
			return false
		}
		if entries[j].Platform == nil {
			return true
		}
		return matcher.Less(*entries[i].Platform, *entries[j].Platform)
	})
	if len(entries) == 0 {
		return nil, errAbsent
	}
	return &entries[0], nil
}

// checkConfig holds a manifest whose index says no platform against the platform of its config.
func checkConfig(asked question, matcher platforms.Matcher, of ocispec.Descriptor) error {
	document, err := read(asked, of)
	if err != nil {
		return err
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(document, &manifest); err != nil {
		return err
	}
	config, err := blob(asked, manifest.Config)
	if err != nil {
		return err
	}
	var platform ocispec.Platform
	if err := json.Unmarshal(config, &platform); err != nil {
		return err
	}
	if !matcher.Match(platforms.Normalize(platform)) {
		return errAbsent
	}
	return nil
}

// read returns a document that is of one kind only, as containerd's validateMediaType has it.
func read(asked question, of ocispec.Descriptor) ([]byte, error) {
	document, err := blob(asked, of)
	if err != nil {
		return nil, err
	}
	var kind struct {
		MediaType string          `json:"mediaType,omitempty"`
		Config    json.RawMessage `json:"config,omitempty"`
		Layers    json.RawMessage `json:"layers,omitempty"`
		Manifests json.RawMessage `json:"manifests,omitempty"`
		FSLayers  json.RawMessage `json:"fsLayers,omitempty"`
	}
	if err := json.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	switch {
	case len(kind.FSLayers) != 0:
		return nil, errors.New("schema 1 not supported")
	case isManifest(of.MediaType) && (len(kind.Manifests) != 0 || isIndex(kind.MediaType)):
		return nil, errors.New("expected manifest but found index")
	case isIndex(of.MediaType) && (len(kind.Config) != 0 || len(kind.Layers) != 0 || isManifest(kind.MediaType)):
		return nil, errors.New("expected index but found manifest")
	}
	return document, nil
}

func blob(asked question, of ocispec.Descriptor) ([]byte, error) {
	content, found := asked.Blobs[of.Digest.String()]
	if !found {
		return nil, fmt.Errorf("%s is not there", of.Digest)
	}
	return content, nil
}

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerIndex
}

func isManifest(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}
