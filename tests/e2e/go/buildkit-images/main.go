// Prints which images BuildKit's own Dockerfile frontend reads for each Dockerfile of standard input, for the test that
// compares host/dockerfile with it. A line is {dockerfile, args, build, target, stage, all} as JSON; so is an answer:
// {syntax, images} in the order of names, or {error}. A line {word, escape, env} is answered with {text} or {error}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

type question struct {
	Dockerfile string
	Args       map[string]string
	Build      string
	Target     string
	Stage      string
	All        bool
	Word       *string
	Escape     string
	Env        []string
}

type answer struct {
	Syntax string   `json:"syntax,omitempty"`
	Images []string `json:"images,omitempty"`
	Text   string   `json:"text,omitempty"`
	Error  string   `json:"error,omitempty"`
}

// recorder answers for every image with an empty config, and keeps what it was asked for.
type recorder struct {
	mu     sync.Mutex
	images []string
}

func (r *recorder) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	platform := platforms.FormatAll(platforms.Normalize(*opt.ImageOpt.Platform))
	r.images = append(r.images, ref+" "+platform)
	config := fmt.Sprintf(`{"os":%q,"architecture":%q,"rootfs":{"type":"layers","diff_ids":["%s"]}}`,
		opt.ImageOpt.Platform.OS, opt.ImageOpt.Platform.Architecture, digest.FromString("layer"))
	return ref, digest.FromString(ref), []byte(config), nil
}

func images(q question) answer {
	build, err := platforms.Parse(q.Build)
	if err != nil {
		return answer{Error: err.Error()}
	}
	target, err := platforms.Parse(q.Target)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if q.Args == nil {
		q.Args = map[string]string{}
	}
	read := &recorder{}
	opt := dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildArgs:      q.Args,
			Target:         q.Stage,
			BuildPlatforms: []ocispecs.Platform{build},
		},
		TargetPlatform: &target,
		MetaResolver:   read,
		AllStages:      q.All,
	}
	if _, err := dockerfile2llb.Dockerfile2LLB(context.Background(), []byte(q.Dockerfile), opt); err != nil {
		return answer{Error: err.Error()}
	}
	syntax, _, _, _ := parser.DetectSyntax([]byte(q.Dockerfile))
	slices.Sort(read.images)
	return answer{Syntax: syntax, Images: slices.Compact(read.images)}
}

func word(q question) answer {
	text, _, err := shell.NewLex([]rune(q.Escape)[0]).ProcessWord(*q.Word, shell.EnvsFromSlice(q.Env))
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Text: text}
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		a := answer{}
		if q.Word != nil {
			a = word(q)
		} else {
			a = images(q)
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
