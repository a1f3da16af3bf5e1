// frontend-nested is a BuildKit frontend that has another one do all the work.
//
// Options:
//
//	nested          the frontend, "dockerfile.v0" where it is left out, or "gateway.v0"
//	nested:NAME     the option NAME of that frontend
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

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
	nested := map[string]string{}
	for name, value := range opts {
		if name, ok := strings.CutPrefix(name, "nested:"); ok {
			nested[name] = value
		}
	}
	frontend := cmp.Or(opts["nested"], "dockerfile.v0")
	return c.Solve(ctx, client.SolveRequest{Frontend: frontend, FrontendOpt: nested, Evaluate: true})
}
