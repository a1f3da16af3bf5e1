// frontend-unresolved is a BuildKit frontend that uses an image without having asked for it: no ResolveSourceMeta and
// no ResolveImageConfig goes before its one Solve, but for the mode "attestations", which asks and does not use it.
//
// Options:
//
//	mode        by what way the image gets into the build, see modes.go; "image" where it is left out
//	image       the reference; for "raw" a whole source identifier
//	platform    os/architecture[/variant]; several, with commas, for "platforms"
//	no-platform whether the definition, which then has one operation, names no platform
//	store       the name of the client's layout, for "oci-layout" and "oci-layout-blob"
//	commit      the commit to check out, for "git-bundle"
//	from        the source identifier that "convert" turns into the image
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/appcontext"
	"github.com/opencontainers/go-digest"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), build); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func build(ctx context.Context, c client.Client) (*client.Result, error) {
	opts := c.BuildOpts().Opts
	name := cmp.Or(opts["mode"], "image")
	mode, ok := modes[name]
	if !ok {
		return nil, fmt.Errorf("there is no mode %q", name)
	}
	request := client.SolveRequest{Evaluate: true}
	state, err := mode(ctx, use{opts, c.BuildOpts().SessionID, &request, c})
	if err != nil {
		return nil, err
	}
	platform, err := platforms.Parse(cmp.Or(opts["platform"], platforms.DefaultString()))
	if err != nil {
		platform = platforms.DefaultSpec() // several: each is named where it is used
	}
	definition, err := state.Marshal(ctx, llb.Platform(platform))
	if err != nil {
		return nil, err
	}
	request.Definition = definition.ToPB()
	if opts["no-platform"] != "" {
		if err := withoutPlatform(request.Definition); err != nil {
			return nil, err
		}
	}
	return c.Solve(ctx, request)
}

// withoutPlatform takes the platform out of the one operation of a definition, which no constraint of llb does.
func withoutPlatform(definition *pb.Definition) error {
	if len(definition.Def) != 2 {
		return fmt.Errorf("%d operations instead of one and the result", len(definition.Def))
	}
	var source, result pb.Op
	if err := errors.Join(source.UnmarshalVT(definition.Def[0]), result.UnmarshalVT(definition.Def[1])); err != nil {
		return err
	}
	source.Platform = nil
	var err error
	if definition.Def[0], err = source.MarshalVT(); err != nil {
		return err
	}
	result.Inputs[0].Digest = string(digest.FromBytes(definition.Def[0]))
	definition.Def[1], err = result.MarshalVT()
	definition.Metadata = nil
	return err
}
