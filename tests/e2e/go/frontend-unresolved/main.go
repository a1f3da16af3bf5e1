// frontend-unresolved is a BuildKit frontend that uses an image without having asked for it: no ResolveSourceMeta and
// no ResolveImageConfig goes before its one Solve, but for the mode "attestations", which asks and does not use it.
//
// Options:
//
//	mode        by what way the image gets into the build, see modes.go; "image" where it is left out
//	image       the reference; for "raw" a whole source identifier
//	platform    os/architecture[/variant]; several, with commas, for "platforms"
//	store       the name of the client's layout, for "oci-layout" and "oci-layout-blob"
//	commit      the commit to check out, for "git-bundle"
//	from        the source identifier that "convert" turns into the image
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
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
	return c.Solve(ctx, request)
}
